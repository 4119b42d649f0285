// Names that come with different contents: of such a one nobody knows which is meant, so none of them counts.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "base/keyed_hash.hpp"

namespace poolcpuid::cli {

class NameConflicts {
public:
    // There is a host, or a policy's pool, of this name and this content.
    void see(const std::string& name, const std::string& content) {
        if (contents_.emplace(name, content).first->second != content) names_.insert(name);
    }

    // The names that came with more than one content.
    const std::set<std::string>& names() const noexcept { return names_; }

private:
    std::unordered_map<std::string, std::string, KeyedHash> contents_;  // the first of each name
    std::set<std::string> names_;
};

}  // namespace poolcpuid::cli
