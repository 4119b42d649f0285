// The guest's code and where things are in its memory; guest_code.S says what it does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

extern "C" {
extern const unsigned char poolcpuid_guest_code[];
extern const unsigned char poolcpuid_guest_fault[];
extern const unsigned char poolcpuid_guest_stop[];
extern const unsigned char poolcpuid_guest_code_end[];
}

namespace poolcpuid::kvm::guest {

// Addresses in a memory of 64 KiB, all that real mode reaches from segment 0. The interrupt vectors are at 0.
inline constexpr std::size_t memory_bytes = 0x10000;
inline constexpr std::uint16_t code_address = 0x1000;
inline constexpr std::uint16_t stack_top = 0x3000;
inline constexpr std::uint16_t table_address = 0x4000;
inline constexpr std::size_t most_records = 2048;  // of the table: half of the memory

// A question, and in its place the answer.
using Record = std::array<std::uint32_t, 4>;
static_assert(table_address + most_records * sizeof(Record) <= memory_bytes);

// The interrupt vectors: 256 of 4 bytes, offset and segment; #GP is number 13 (SDM vol. 3, 8086 emulation).
inline constexpr std::size_t vectors = 256;
inline constexpr std::size_t fault_vector = 13;
struct Vector {
    std::uint16_t offset = 0;
    std::uint16_t segment = 0;
};

inline std::span<const unsigned char> code() {
    return {poolcpuid_guest_code, static_cast<std::size_t>(poolcpuid_guest_code_end - poolcpuid_guest_code)};
}

// The address of a label of the code, once that is at its place.
inline std::uint16_t address_of(const unsigned char* label) {
    return static_cast<std::uint16_t>(code_address + (label - poolcpuid_guest_code));
}

}  // namespace poolcpuid::kvm::guest
