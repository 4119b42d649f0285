// Places as the JSON documents write them.
#pragma once

#include <nlohmann/json.hpp>

#include "policy/document_text.hpp"
#include "text/hex.hpp"

namespace poolcpuid::document {

// Adds "msr", or "leaf", "subleaf" and "register", and "bits".
inline void put_place(nlohmann::ordered_json& json, const BitPlace& place) {
    if (place.is_msr) {
        json["msr"] = to_hex(place.leaf);
    } else {
        json["leaf"] = to_hex(place.leaf);
        json["subleaf"] = subleaves(place);
        json["register"] = to_string(place.reg);
    }
    json["bits"] = bits(place);
}

}  // namespace poolcpuid::document
