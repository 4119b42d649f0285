// JSON documents of other tools that stand in one text: those of several hosts.
#pragma once

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// Throws InputError where source is several JSON documents, one after another or in an array, and is no stream of host
// documents (host_stream.hpp). whole: the format that all of it is recognised as, or nullptr; nothing is thrown where
// its reader takes documents in a row, or where it is no JSON. Linear; quick where there is one document.
void refuse_several_documents(const Format* whole, const Source& source);

}  // namespace poolcpuid::dump
