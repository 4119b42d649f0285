#include "compare/members.hpp"

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "poolcpuid/policy.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::compare {

UsageError not_of_pool(const std::vector<std::string>& members, const std::string& name) {
    std::string text = "no host of the pool is called " + printable(name);
    std::vector<std::string> near = rulebook::near_words(members, name);
    for (std::string& word : near) word = printable(word);
    if (!near.empty()) return UsageError(text + rulebook::did_you_mean(near));
    std::vector<std::string> printed;
    for (const std::string& member : members) printed.push_back(printable(member));
    if (!printed.empty()) text += "; it has " + short_list(printed, most_names);
    return UsageError(text);
}

}  // namespace poolcpuid::compare
