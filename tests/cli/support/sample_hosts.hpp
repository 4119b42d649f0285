// Small invented hosts whose bits a test can turn, as the documents that the program reads.
#pragma once

#include <cstdint>
#include <string>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::test {

// An AMD host of family 19h with what a 64-bit guest needs, AVX2, and 48 physical address bits. Everything
// is known: what has no row is zero. A pool of such hosts differs in nothing.
HostDump amd_host(const std::string& name);

// The same for Intel: Skylake-SP.
HostDump intel_host(const std::string& name);

// The host with one bit of every logical CPU set or cleared.
HostDump with_bit(HostDump host, LeafKey key, Register reg, unsigned bit, bool set);

// The host with a register replaced.
HostDump with_register(HostDump host, LeafKey key, Register reg, std::uint32_t value);

// The host's document, on many lines, and on one line for NDJSON.
std::string document(const HostDump& host);
std::string document_line(const HostDump& host);

// The same without a name.
std::string nameless_document(const HostDump& host);

// Bits that the tests turn.
inline constexpr LeafKey leaf_7{0x7, 0x0};
inline constexpr LeafKey leaf_8000_0008{0x80000008, 0x0};
inline constexpr LeafKey leaf_8000_0021{0x80000021, 0x0};
inline constexpr unsigned avx2_bit = 5;           // leaf 7, EBX
inline constexpr unsigned fs_gs_base_ns_bit = 1;  // leaf 80000021h, EAX

// An AMD host with SVM: revision 1, and the address space ids of Zen 3.
HostDump svm_host(const std::string& name);

// A Haswell with VMX and its MSRs, 480h to 491h.
HostDump vmx_host(const std::string& name);

}  // namespace poolcpuid::test
