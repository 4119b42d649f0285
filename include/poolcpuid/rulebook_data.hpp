// How the records of a rulebook refer to text and to lists: by distance from a fixed place in the program.
//
// A table of pointers has to be filled in at each start, for a program is loaded at another address each time; the
// rulebook that is compiled in would have 15,000 of them. A distance within the program is the same wherever it lies,
// so such tables are read-only data as they stand in the file. Text and List are what std::string_view and std::span
// are: views, as cheap to copy, and a copy means what the original means. What they view has to outlive them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

namespace poolcpuid {

// The place from which distances count: the rulebook that is compiled in. Only its address is used here.
extern const struct BuiltinRulebook builtin_rulebook_data;

namespace rulebook_data {

// How many bytes an address is above that place, modulo 2^64: what a LoadedRulebook holds may lie anywhere.
inline std::uintptr_t distance_of(const void* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(&builtin_rulebook_data);
}

// The address at a distance: what distance_of was told.
template <typename T>
const T* at_distance(std::uintptr_t distance) noexcept {
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(&builtin_rulebook_data) + distance;
    return reinterpret_cast<const T*>(address);  // NOLINT(performance-no-int-to-ptr): the purpose of a distance
}

}  // namespace rulebook_data

// Text of a rulebook. It converts to std::string_view, which has all that this has not. Nothing throws but a stream;
// what compares or writes it is linear in the size, all else takes constant time.
class Text {
public:
    constexpr Text() noexcept = default;
    explicit Text(std::string_view text) noexcept
        : distance_(rulebook_data::distance_of(text.data())), size_(text.size()) {}
    // For the rulebook compiler, which knows the distance of what it lays out.
    constexpr Text(std::uintptr_t distance, std::size_t size) noexcept : distance_(distance), size_(size) {}

    // NOLINTNEXTLINE(google-explicit-constructor): one is as good as the other
    operator std::string_view() const noexcept { return {data(), size_}; }

    const char* data() const noexcept { return rulebook_data::at_distance<char>(distance_); }
    const char* begin() const noexcept { return data(); }
    const char* end() const noexcept { return data() + size_; }
    constexpr std::size_t size() const noexcept { return size_; }  // bytes
    constexpr bool empty() const noexcept { return size_ == 0; }

    // By the bytes.
    friend bool operator==(Text a, Text b) noexcept { return std::string_view(a) == std::string_view(b); }
    friend bool operator==(Text a, std::string_view b) noexcept { return std::string_view(a) == b; }
    friend auto operator<=>(Text a, Text b) noexcept { return std::string_view(a) <=> std::string_view(b); }
    friend auto operator<=>(Text a, std::string_view b) noexcept { return std::string_view(a) <=> b; }

    // Writes it as a std::string_view is written, for who includes <ostream>; throws what the stream throws.
    template <typename Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, Text text) {
        return out << std::string_view(text);
    }

private:
    std::uintptr_t distance_ = 0;
    std::size_t size_ = 0;
};

// A list of a rulebook. It converts to std::span<const T>, as any sized range of contiguous items does. Nothing throws,
// and everything takes constant time; an index has to be below size().
template <typename T>
class List {
public:
    using value_type = T;
    using const_iterator = const T*;
    using iterator = const_iterator;

    constexpr List() noexcept = default;
    explicit List(std::span<const T> items) noexcept
        : distance_(rulebook_data::distance_of(items.data())), size_(items.size()) {}
    // For the rulebook compiler, which knows the distance of what it lays out.
    constexpr List(std::uintptr_t distance, std::size_t size) noexcept : distance_(distance), size_(size) {}

    const T* data() const noexcept { return rulebook_data::at_distance<T>(distance_); }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data() + size_; }
    constexpr std::size_t size() const noexcept { return size_; }  // items
    constexpr bool empty() const noexcept { return size_ == 0; }
    const T& operator[](std::size_t at) const noexcept { return std::span<const T>(data(), size_)[at]; }
    const T& front() const noexcept { return (*this)[0]; }  // of one that is not empty
    const T& back() const noexcept { return (*this)[size_ - 1]; }

private:
    std::uintptr_t distance_ = 0;
    std::size_t size_ = 0;
};

}  // namespace poolcpuid
