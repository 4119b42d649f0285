// The order in which Linux prints the flags of a CPU, by which a list is known that was cut within one of them.
#pragma once

#include <string_view>

#include "dump/named_features.hpp"

namespace poolcpuid::dump {

// The list without its last flag where that is the rest of another one. A list that a screen's width has cut may end in
// a name that a longer one begins with: "3dnow" of 3dnowprefetch. Then it stands behind flags that Linux prints after
// it. Where that does not show, the list is returned as it is. Linear in the length of the list.
std::string_view without_cut_flag(std::string_view flags, const NamedFeatures& names);

// What the note "truncated" says of such a list.
inline constexpr const char* cut_flags =
    "The list of flags ends within one, which is left out: it was cut, and what followed is not known.";

}  // namespace poolcpuid::dump
