// How a run speaks to who started it: the options that come before any verb.
#pragma once

#include <cstddef>

namespace poolcpuid::cli {

enum class Colours { automatic, always, never };

struct Manner {
    bool verbose = false;
    bool quiet = false;           // no summaries and no notes on standard error
    bool errors_as_json = false;  // standard error is one document, schemas/errors.schema.json
    bool log_as_json = false;     // it is JSON lines, schemas/log.schema.json
    Colours colours = Colours::automatic;
    std::size_t threads = 1;  // that read at once
};

// True where standard error is for programs, so that texts for people do not belong there.
inline bool is_read_by_programs(const Manner& manner) { return manner.errors_as_json || manner.log_as_json; }

// The manner of this run, which is set before a verb starts and stays.
const Manner& manner() noexcept;
void set_manner(const Manner& chosen) noexcept;

// True where text to this descriptor is to have colours: as was asked for, or on a terminal that understands them when
// nobody asked for none (NO_COLOR).
bool wants_colours(int descriptor) noexcept;

}  // namespace poolcpuid::cli
