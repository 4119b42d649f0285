// SHA-256 of bytes, by which hosts and rulebooks are identified.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid {

// The SHA-256 digest of bytes as 64 lower-case hexadecimal digits (FIPS 180-4).
std::string sha256_hex(std::string_view bytes);

// The same digest in base64 (RFC 4648), as a Content-Security-Policy names an inline script.
std::string sha256_base64(std::string_view bytes);

}  // namespace poolcpuid
