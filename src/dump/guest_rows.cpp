#include "dump/guest_rows.hpp"

#include <string>

#include "base/lists.hpp"

namespace poolcpuid::dump {

void note_guest_rows(std::size_t count, std::vector<DumpNote>& notes) {
    if (count == 0) return;
    notes.push_back({"guest-rows", "Left out " + counted(count, "row", "rows") +
                                       " of what a guest was given, which is not what the host can give."});
}

}  // namespace poolcpuid::dump
