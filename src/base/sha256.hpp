// SHA-256 of bytes, by which hosts and rulebooks are identified.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace poolcpuid {

// The SHA-256 digest of bytes as 64 lower-case hexadecimal digits (FIPS 180-4).
std::string sha256_hex(std::string_view bytes);

// The same of bytes that come in pieces.
class Sha256 {
public:
    Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256();

    void add(std::string_view bytes);

    // Of all that was added; it is empty again then.
    std::string hex();

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

// The same digest in base64 (RFC 4648), as a Content-Security-Policy names an inline script.
std::string sha256_base64(std::string_view bytes);

}  // namespace poolcpuid
