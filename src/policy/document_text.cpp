#include "policy/document_text.hpp"

#include "text/hex.hpp"

namespace poolcpuid::document {

std::string bits(const BitPlace& place) {
    if (place.low == place.high) return std::to_string(place.low);
    return std::to_string(place.high) + ":" + std::to_string(place.low);
}

std::string subleaves(const BitPlace& place) {
    if (place.subleaf_first == place.subleaf_last) return to_hex(place.subleaf_first);
    return to_hex(place.subleaf_first) + "-" + to_hex(place.subleaf_last);
}

}  // namespace poolcpuid::document
