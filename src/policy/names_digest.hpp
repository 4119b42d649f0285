// The digest of the names of a pool's hosts, which a policy has as names_sha256: documents list only some of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/sha256.hpp"

namespace poolcpuid {

// Of each name in their order, with a line feed behind it. In pieces: the text of all would be as large as the names,
// and to hash each alone would cost more than its bytes.
class NamesDigest {
public:
    void add(std::string_view name) {
        constexpr std::size_t piece = 4096;
        (text_ += name) += '\n';
        if (text_.size() < piece) return;
        sum_.add(text_);
        text_.clear();
    }

    // Of all that was added. Nothing is added after it.
    std::string hex() {
        sum_.add(text_);
        return sum_.hex();
    }

private:
    Sha256 sum_;
    std::string text_;  // not in sum_ yet
};

}  // namespace poolcpuid
