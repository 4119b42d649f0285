// plan --split: what the pools keep, then each pool with its hosts and what it gains, then which migrations end.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/split_text.hpp"
#include "cli/texts.hpp"

namespace poolcpuid::cli {

namespace {

// Rounded down, so that nothing short of all is 100 %.
std::string percent(std::uint64_t part, std::uint64_t whole) {
    return std::to_string(whole == 0 ? 100 : part * 100 / whole) + " %";
}

class SplitText {
public:
    SplitText(const PoolSplit& split, Page& page) : split_(split), page_(page) {}

    void put() {
        page_.line(headline(), split_.errors == 0 ? Colour::green : Colour::red, 0, 0);
        page_.paragraph(0, "", method(), Colour::none, 0);
        for (std::size_t i = 0; i < split_.pools.size(); ++i) pool(i);
        migrations();
        page_.title("What to do");
        page_.paragraph(2, "",
                        "-> Merge each pool's hosts (--format json has all names), and restart the VMs with the policy "
                        "of the pool that they are in.");
    }

private:
    std::string headline() const {
        return counted(split_.hosts, "host") + " in " + counted(split_.pools.size(), "pool") + ": " +
               counted(split_.errors, "error finding") + " (one pool: " + std::to_string(split_.errors_of_one) +
               "), and " + percent(split_.kept, split_.bound) +
               " of what the hosts could keep (one pool: " + percent(split_.kept_by_one, split_.bound) + ").";
    }

    std::string method() const {
        const std::string classes = counted(split_.classes, "class", "classes") + " of equal hosts. ";
        if (split_.exact) {
            return classes + "No other partition into at most " + counted(split_.most_pools, "pool") +
                   " has fewer errors, or as few and keeps more.";
        }
        return classes +
               "Found by merging pools and moving hosts, which is good and may not be the best: no partition "
               "keeps more than each class by itself, which is the 100 %.";
    }

    void pool(std::size_t place) {
        const SplitPool& pool = split_.pools[place];
        page_.title("Pool " + std::to_string(place + 1) + ": " + counted(pool.hosts.size(), "host") + ", " +
                    pool.vendor);
        page_.paragraph(2, "", short_list(pool.hosts, most_hosts_listed));
        std::vector<std::string> fields;
        for (const FieldChange& change : pool.gains) {
            if (std::find(fields.begin(), fields.end(), change.field) == fields.end()) fields.push_back(change.field);
        }
        page_.paragraph(2, "gains " + std::to_string(fields.size()) + (fields.empty() ? "" : ": "),
                        short_list(fields, most_fields));
        for (const Finding& finding : pool.cleared) put("cleared: ", finding, Colour::green);
        for (const Finding& finding : pool.errors) put("", finding, Colour::red);
    }

    void put(const std::string& what, const Finding& finding, Colour colour) {
        page_.paragraph(2, what,
                        std::string(to_string(finding.severity)) + " " + finding.code +
                            (finding.field.empty() ? "" : " (" + finding.field + ")"),
                        colour);
    }

    void migrations() {
        if (split_.ended.empty()) return;
        page_.title("Migrations that end");
        for (const EndedMigrations& pair : split_.ended) {
            page_.paragraph(2, "",
                            "between pool " + std::to_string(pair.first + 1) + " (" +
                                counted(split_.pools[pair.first].hosts.size(), "host") + ") and pool " +
                                std::to_string(pair.second + 1) + " (" +
                                counted(split_.pools[pair.second].hosts.size(), "host") + ")");
        }
    }

    const PoolSplit& split_;
    Page& page_;
};

}  // namespace

void split_text(const PoolSplit& split, Page& page) { SplitText(split, page).put(); }

}  // namespace poolcpuid::cli
