// What is no text: archives, compressed data, programs, pictures; and such data in a text.
//
// Readers look for rows in whatever they are given. An archive that holds one of its files as it was would be read for
// that file's rows, and the hosts of its other files would be gone without a word. So this is asked first.
#pragma once

#include <optional>
#include <string_view>

#include "dump/unrecognised.hpp"

namespace poolcpuid::dump {

// What bytes are by how they begin or are made, or by what stands in them, or nothing where they may be a text. A zero
// byte that stands alone is of a text, as serial lines and the strings of firmware leave them; two together, or with
// one byte between them as UTF-16 has them, are not: rows may have stood there. are_ascii: as is_ascii() says of bytes.
// Linear; of ASCII a search for one byte.
std::optional<Unrecognised> describe_no_text(std::string_view bytes, bool are_ascii);

}  // namespace poolcpuid::dump
