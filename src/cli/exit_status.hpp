// The program's exit statuses: part of the contract, so they never change.
#pragma once

namespace poolcpuid::cli {

enum class ExitStatus : int {
    done = 0,       // done, compatible, or no difference
    different = 1,  // incompatible or different
    usage = 2,      // wrong usage
    bad_input = 3,  // input that cannot be read or is malformed; nothing was written
    no_policy = 4,  // no policy exists that is true on every host
    failed = 5,     // anything else, such as output that could not be written
};

}  // namespace poolcpuid::cli
