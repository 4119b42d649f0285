#include "cli/manner.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace poolcpuid::cli {

namespace {

Manner of_this_run;

}  // namespace

const Manner& manner() noexcept { return of_this_run; }

void set_manner(const Manner& chosen) noexcept { of_this_run = chosen; }

bool wants_colours(int descriptor) noexcept {
    if (of_this_run.colours != Colours::automatic) return of_this_run.colours == Colours::always;
    const char* none = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return ::isatty(descriptor) == 1 && (none == nullptr || *none == '\0') && term != nullptr &&
           std::string_view(term) != "dumb";
}

}  // namespace poolcpuid::cli
