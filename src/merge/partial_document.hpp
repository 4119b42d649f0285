// What the reader and the writer of poolcpuid/partial/v1 have in common.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json_parts.hpp"
#include "base/located_json.hpp"

namespace poolcpuid::merge {

inline constexpr std::string_view partial_schema = "poolcpuid/partial/v1";

// The members of a partial result, by their keys.
class PartialDocument {
public:
    // Throws InputError: no such document, a member that it does not have, twice, or not at all.
    PartialDocument(std::string_view bytes, std::string_view file, std::size_t first_line);

    // The value of a member that is small.
    json::Value value(const std::string& key) const;

    // Takes an element of a list: as it stands, and parsed.
    using Take = std::function<void(const json::Part& text, const json::Value& value)>;

    // Goes over the lists once, each element parsed and let go, and gives those of "contents", then of "hosts". Returns
    // the digest of the document: the SHA-256 of its content without "sha256" in the one spelling of
    // canonical_json.hpp, which is what `jq -cSj 'del(.sha256)'` prints. Linear.
    std::string walk(const Take& content, const Take& host) const;

    const std::string& file() const noexcept { return file_; }

private:
    std::string file_;
    std::map<std::string, json::Part> members_;
};

}  // namespace poolcpuid::merge
