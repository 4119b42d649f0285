#include "dump/tar.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "dump/decompress.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t piece = std::size_t{1} << 16;

bool is_sound(int result) noexcept { return result == ARCHIVE_OK || result == ARCHIVE_WARN; }

// True where a header holds the sum of its bytes, in octal digits and with blanks in the place of these: the tar of
// Unix V7 has no other mark.
bool has_sum(std::string_view header) noexcept {
    constexpr std::size_t sum_at = 148;
    constexpr std::size_t sum_size = 8;
    std::string_view digits = header.substr(sum_at, sum_size);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    unsigned said = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), said, 8);
    if (error != std::errc{}) return false;
    unsigned sum = sum_size * ' ';
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (i < sum_at || i >= sum_at + sum_size) sum += static_cast<unsigned char>(header[i]);
    }
    return said == sum;
}

}  // namespace

struct TarReader::State {
    archive* reader = archive_read_new();
    archive_entry* entry = nullptr;
    NextBytes next;
    std::array<char, piece> buffer{};
    std::exception_ptr thrown;  // by next: libarchive is C, and no exception may pass through it
    std::string name;

    ~State() { archive_read_free(reader); }

    static la_ssize_t give(archive* reader, void* self, const void** bytes) noexcept {
        auto& state = *static_cast<State*>(self);
        *bytes = state.buffer.data();
        try {
            return static_cast<la_ssize_t>(state.next(state.buffer));
        } catch (...) {
            state.thrown = std::current_exception();
            archive_set_error(reader, EIO, "unreadable");
            return ARCHIVE_FATAL;
        }
    }

    [[noreturn]] void fail() const {
        if (thrown) std::rethrow_exception(thrown);
        const char* const reason = archive_error_string(reader);
        throw DamagedData(reason != nullptr ? reason : "its end before it is complete: it is cut short");
    }
};

TarReader::TarReader(NextBytes next) : state_(std::make_unique<State>()) {
    archive* const reader = state_->reader;
    if (reader == nullptr) throw std::bad_alloc();
    state_->next = std::move(next);
    archive_read_support_format_tar(reader);
    // Without it what follows the first archive of several in a row would be left out in silence.
    archive_read_set_option(reader, "tar", "read_concatenated_archives", "1");
    if (!is_sound(archive_read_open(reader, state_.get(), nullptr, State::give, nullptr))) state_->fail();
}

TarReader::~TarReader() = default;

bool TarReader::next() {
    archive* const reader = state_->reader;
    const int result = archive_read_next_header(reader, &state_->entry);
    if (result == ARCHIVE_EOF) {
        const auto passed = archive_filter_bytes(reader, 0) - archive_read_header_position(reader);
        if (passed < static_cast<la_int64_t>(block)) throw DamagedData("its end, before the mark of its end");
        return false;
    }
    if (!is_sound(result)) state_->fail();
    // In the locale "C", in which a program starts, these are the archive's own bytes.
    const char* const name = archive_entry_pathname(state_->entry);
    state_->name = name != nullptr ? name : "";
    return true;
}

const std::string& TarReader::name() const noexcept { return state_->name; }

bool TarReader::is_regular() const noexcept {
    return archive_entry_filetype(state_->entry) == AE_IFREG && archive_entry_hardlink(state_->entry) == nullptr;
}

bool TarReader::is_directory() const noexcept { return archive_entry_filetype(state_->entry) == AE_IFDIR; }

std::optional<std::string> TarReader::read(std::size_t most) {
    std::string bytes;
    std::array<char, piece> room;
    while (true) {
        const la_ssize_t count = archive_read_data(state_->reader, room.data(), room.size());
        if (count < 0) state_->fail();
        if (count == 0) return bytes;
        bytes.append(room.data(), static_cast<std::size_t>(count));
        if (bytes.size() > most) return std::nullopt;
    }
}

void TarReader::skip() {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int result = ARCHIVE_OK;
    while (is_sound(result)) result = archive_read_data_block(state_->reader, &bytes, &size, &offset);
    if (result != ARCHIVE_EOF) state_->fail();
}

bool is_tar(std::string_view bytes) noexcept {
    constexpr std::size_t mark_at = 257;
    if (bytes.size() < block) return false;
    // Fields of a header end in zeros, which no text has.
    const std::string_view header = bytes.substr(0, block);
    if (header.find('\0') == std::string_view::npos) return false;
    return header.substr(mark_at).starts_with("ustar") || has_sum(header);
}

}  // namespace poolcpuid::dump
