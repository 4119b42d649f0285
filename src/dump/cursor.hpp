// Reads the parts of one line from left to right. Dumps are read digit by digit here, so it counts.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace poolcpuid::dump {

class Cursor {
public:
    explicit Cursor(std::string_view text) noexcept : rest_(text) {}

    std::string_view rest() const noexcept { return rest_; }
    bool at_end() const noexcept { return rest_.empty(); }

    // Steps over text when it comes next.
    bool skip(std::string_view text) noexcept {
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }

    // Steps over a run of spaces and tabs; false when there is none.
    bool skip_blanks() noexcept {
        std::size_t length = 0;
        while (length < rest_.size() && (rest_[length] == ' ' || rest_[length] == '\t')) ++length;
        rest_.remove_prefix(length);
        return length != 0;
    }

    // The number of hexadecimal digits that come next.
    std::size_t hex_digits() const noexcept {
        std::size_t length = 0;
        while (length < rest_.size() && digit_value(rest_[length]) < 16) ++length;
        return length;
    }

    // A number of exactly this many hexadecimal digits (at most 8), any case; nothing when a shorter or
    // longer run of digits comes next, which stays unread.
    std::optional<std::uint32_t> hex(std::size_t digits) noexcept {
        std::uint32_t value = 0;
        std::size_t length = 0;
        for (; length < rest_.size(); ++length) {
            const unsigned digit = digit_value(rest_[length]);
            if (digit >= 16) break;
            value = value << 4U | digit;
        }
        if (length != digits) return std::nullopt;
        rest_.remove_prefix(length);
        return value;
    }

    // A number of 1 to 8 hexadecimal digits.
    std::optional<std::uint32_t> hex() noexcept {
        const std::size_t digits = hex_digits();
        return digits == 0 || digits > 8 ? std::nullopt : hex(digits);
    }

    // A decimal number below 2^32.
    std::optional<std::uint32_t> decimal() noexcept {
        std::uint32_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc{}) return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }

private:
    // 0 to 15, or 16 for a character that is no hexadecimal digit.
    static unsigned digit_value(char c) noexcept {
        static constexpr auto values = [] {
            std::array<std::uint8_t, 256> table{};
            table.fill(16);
            for (std::uint8_t digit = 0; digit < 16; ++digit) {
                table[static_cast<unsigned char>("0123456789abcdef"[digit])] = digit;
                table[static_cast<unsigned char>("0123456789ABCDEF"[digit])] = digit;
            }
            return table;
        }();
        return values[static_cast<unsigned char>(c)];
    }

    std::string_view rest_;
};

}  // namespace poolcpuid::dump
