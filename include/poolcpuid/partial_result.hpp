// What is known of some hosts of a pool, to be merged with the rest: poolcpuid/partial/v1, for fleets that are read in
// parts, on many machines.
//
//   PartialResult part;
//   for (const HostDump& host : hosts) part.add(host, host.name);
//   std::string document = to_json(part, rulebook, options);            // on one machine
//   PartialResult again = read_partial_result(document, file, 1, rulebook, options);   // on another
//   again.each([&](const HostDump& host, const std::set<std::string>& names) {
//       for (const std::string& name : names) state.add(host, name);
//   });
//
// It holds what hosts say and decides nothing: of hosts whose content is equal the content once, their digests, and the
// name of each. Names with two contents, hosts of two vendors and hosts that the merge does not take stay in it, for
// the last merge to judge as it judges hosts that it reads itself. So it is a set, partial results combine in any tree,
// and the same hosts give the same bytes. Not to be confused with partial hosts (HostDump::is_partial), of which some
// registers are known in part.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// What was asked for when the hosts were read. All parts of a merge have these in common.
struct PartialOptions {
    bool skip_unreadable = false;
    bool allow_partial = false;  // partial hosts

    friend bool operator==(const PartialOptions&, const PartialOptions&) = default;
};

// An input that could not be read and was left out on purpose. Texts are printable.
struct UnreadableInput {
    std::string input;  // as it was asked for
    std::string file;   // this and the rest: of the InputError
    std::size_t line = 0;
    std::string expected;
    std::string found;

    friend auto operator<=>(const UnreadableInput&, const UnreadableInput&) = default;
};

class PartialResult {
public:
    // A host with its digest, which is called name, whatever else was added. Throws InputError for a digest that came
    // with other content. Linear in the rows of a host whose digest is new, else logarithmic in the hosts.
    void add(const HostDump& host, const std::string& name);

    // The content of host, for hosts that have it: all of it but names, digests and of meta what no merge reads. The
    // same number for equal contents. Linear in the rows.
    std::size_t content(const HostDump& host);

    // The hosts of these names, which have this content and this digest. Throws as add does. Logarithmic in the hosts,
    // for each name.
    void add(std::size_t content, const std::string& sha256, const std::vector<std::string>& names);

    // Left out because of error. input: what was asked for.
    void note_unreadable(std::string_view input, const InputError& error);

    // Everything of other, too. Throws as add does. O(n log n) in the hosts of other.
    void combine(const PartialResult& other);

    // Gives the hosts of each digest, as one without a name, and their names, in the order of the digests. Of meta it
    // has what a merge reads. Linear in the hosts.
    void each(const std::function<void(const HostDump& host, const std::set<std::string>& names)>& take) const;

    // The hosts, one for each name and content.
    std::size_t host_count() const noexcept;

    // The contents that hosts have. Linear in the hosts.
    std::size_t content_count() const;

    const std::set<UnreadableInput>& unreadable() const noexcept { return unreadable_; }

private:
    struct Alike {
        std::size_t content = 0;
        std::set<std::string> names;
    };

    Alike& alike_of(const std::string& sha256, std::size_t content, const std::string& name);

    std::vector<HostDump> contents_;
    std::map<std::string, std::vector<std::size_t>> by_document_;  // contents by the digest of their host documents
    std::map<std::string, Alike> hosts_;                           // by HostDump::sha256
    std::set<UnreadableInput> unreadable_;
};

// True when bytes, which may be the beginning of more, are a partial result. Constant.
bool is_partial_result(std::string_view bytes) noexcept;

// The poolcpuid/partial/v1 document (schemas/partial.schema.json): a line a content, a line a digest with its names. It
// ends in a line feed, and the same hosts give the same bytes. O(n log n).
std::string to_json(const PartialResult& part, const Rulebook& rulebook, const PartialOptions& options);

// Reads such a document, of which the first byte stands on first_line of file. Throws InputError when it is malformed,
// damaged (its digest is not that of its content), or made with another rulebook or other options than these. O(n log
// n); holds, beside bytes, what it returns and one content, or the hosts of one digest.
PartialResult read_partial_result(std::string_view bytes, std::string_view file, std::size_t first_line,
                                  const Rulebook& rulebook, const PartialOptions& options);

}  // namespace poolcpuid
