// The table of decisions and hosts.
#pragma once

#include <string>
#include <string_view>

#include "report/page.hpp"

namespace poolcpuid::report {

// Stands before the value of hosts that decide, for those who do not see the colour.
inline constexpr std::string_view limit_mark = "◆";

// The table: for each decision a row of values, and a row below that says why.
void put_matrix(Page& page);

// A value as it stands: a number or, of an XSAVE state, a layout.
std::string value_text(const Decision& decision, const ValueOfHosts& value);

// What stands for a value in the cells of a decision: the value or, where columns are narrow, a bit's
// digit, or a letter for what is too long.
std::string cell_text(const Page& page, const Decision& decision, std::size_t value);

// The row below: what a decision's field means, who has which value, and on whose word. index is the decision's.
void put_panel(Page& page, std::size_t index);

}  // namespace poolcpuid::report
