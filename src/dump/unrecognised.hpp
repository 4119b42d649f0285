// What a file that no reader recognises most likely is, so that its refusal can say so.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid::dump {

// "a Git LFS pointer, not the dump itself", "a latency table of InstLatx64" …; "text in no known format"
// when nothing better is known. Linear in the size of bytes.
std::string describe_unrecognised(std::string_view bytes);

}  // namespace poolcpuid::dump
