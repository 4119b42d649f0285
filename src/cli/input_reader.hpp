// The way from arguments to hosts: files are read several at once, streams piece by piece, and what they hold is given
// on in the order of the arguments.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/inputs.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

// What becomes of hosts that are read.
class HostTaker {
public:
    HostTaker() = default;
    HostTaker(const HostTaker&) = delete;
    HostTaker& operator=(const HostTaker&) = delete;
    virtual ~HostTaker() = default;

    // file: as messages have it.
    virtual void take(HostDump&& host, const std::string& file) = 0;
    virtual void take(const StreamedHost& host, const std::string& file) = 0;
};

// Gives the hosts that the arguments name to taker. Returns all else that they hold, and what could not be read: names
// that two of them have are not looked for.
Inputs give_hosts(const std::vector<std::string>& arguments, const InputOptions& options, HostTaker& taker);

}  // namespace poolcpuid::cli
