// What merge --partial says to people.
#include "cli/texts.hpp"
#include "poolcpuid/partial_result.hpp"

namespace poolcpuid::cli {

void partial_result_text(const PartialResult& part, Page& page) {
    page.paragraph(0, "partial result",
                   ": " + counted(part.host_count(), "host") + " in " + counted(part.content_count(), "content") +
                       (part.unreadable().empty()
                            ? ""
                            : ", " + counted(part.unreadable().size(), "input was", "inputs were") + " left out"),
                   Colour::bold, 2);
    page.line("merge takes it in place of these hosts");
}

}  // namespace poolcpuid::cli
