#include "dump/decompress.hpp"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>

namespace poolcpuid::dump {

namespace {

constexpr std::string_view gzip_mark("\x1F\x8B\x08", 3);  // the only method of compression that there is
constexpr std::string_view xz_mark("\3757zXZ\0", 6);
constexpr std::string_view zstd_mark("\x28\xB5\x2F\xFD", 4);

constexpr const char* cut_off = "its end before it is complete: it is cut short";
constexpr const char* trailing = "other data behind it";

// zlib counts in 32 bits.
unsigned piece_of(std::size_t size) noexcept {
    return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<unsigned>::max()));
}

class Gzip : public Decompressor {
public:
    explicit Gzip(std::string_view bytes) : rest_(bytes) {
        constexpr int only_gzip = 16;
        if (inflateInit2(&stream_, only_gzip + MAX_WBITS) != Z_OK) throw std::bad_alloc();
    }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
    ~Gzip() override { inflateEnd(&stream_); }

    std::size_t read(std::span<char> room) override {
        std::size_t filled = 0;
        while (filled < room.size() && !at_end_) filled += step(room.subspan(filled));
        return filled;
    }

private:
    std::size_t step(std::span<char> room) {
        const unsigned given = piece_of(rest_.size());
        const unsigned free = piece_of(room.size());
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
        stream_.avail_in = given;
        stream_.next_out = reinterpret_cast<Bytef*>(room.data());
        stream_.avail_out = free;
        const int result = inflate(&stream_, Z_NO_FLUSH);
        rest_.remove_prefix(given - stream_.avail_in);
        if (result == Z_STREAM_END) {
            next_member();
        } else if (result == Z_BUF_ERROR || (result == Z_OK && rest_.empty() && stream_.avail_out != 0)) {
            throw DamagedData(cut_off);
        } else if (result != Z_OK) {
            throw DamagedData(stream_.msg != nullptr ? stream_.msg : "damaged data");
        }
        return free - stream_.avail_out;
    }

    // Some programs fill the last block of a tape or a disk with zeros.
    void next_member() {
        if (rest_.starts_with(gzip_mark)) {
            inflateReset(&stream_);
            return;
        }
        if (rest_.find_first_not_of('\0') != std::string_view::npos) throw DamagedData(trailing);
        at_end_ = true;
    }

    std::string_view rest_;
    z_stream stream_{};
    bool at_end_ = false;
};

class Xz : public Decompressor {
public:
    Xz(std::string_view bytes, std::size_t memory) {
        if (lzma_stream_decoder(&stream_, memory, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
        stream_.avail_in = bytes.size();
    }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;
    ~Xz() override { lzma_end(&stream_); }

    std::size_t read(std::span<char> room) override {
        stream_.next_out = reinterpret_cast<std::uint8_t*>(room.data());
        stream_.avail_out = room.size();
        while (stream_.avail_out != 0 && !at_end_) {
            const lzma_ret result = lzma_code(&stream_, LZMA_FINISH);
            at_end_ = result == LZMA_STREAM_END;
            if (result != LZMA_OK && !at_end_) throw DamagedData(reason(result));
        }
        return room.size() - stream_.avail_out;
    }

private:
    // liblzma has numbers, and no words.
    static const char* reason(lzma_ret result) noexcept {
        switch (result) {
            case LZMA_BUF_ERROR: return cut_off;
            case LZMA_MEMLIMIT_ERROR: return "data that takes more memory";
            case LZMA_OPTIONS_ERROR: return "options that are not supported";
            case LZMA_FORMAT_ERROR: return trailing;
            default: return "damaged data";
        }
    }

    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool at_end_ = false;
};

class Zstd : public Decompressor {
public:
    Zstd(std::string_view bytes, std::size_t memory)
        : stream_(ZSTD_createDStream(), ZSTD_freeDStream), input_{bytes.data(), bytes.size(), 0} {
        if (!stream_) throw std::bad_alloc();
        const int window = static_cast<int>(std::bit_width(memory)) - 1;
        ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, window);
    }

    std::size_t read(std::span<char> room) override {
        ZSTD_outBuffer output{room.data(), room.size(), 0};
        while (output.pos < output.size && !(is_frame_whole_ && input_.pos == input_.size)) {
            const std::size_t read_before = input_.pos;
            const std::size_t written_before = output.pos;
            const std::size_t result = ZSTD_decompressStream(stream_.get(), &output, &input_);
            if (ZSTD_isError(result) != 0) throw DamagedData(ZSTD_getErrorName(result));
            is_frame_whole_ = result == 0;
            const bool is_stuck = input_.pos == read_before && output.pos == written_before;
            if (!is_frame_whole_ && is_stuck) throw DamagedData(cut_off);
        }
        return output.pos;
    }

private:
    std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
    ZSTD_inBuffer input_;
    bool is_frame_whole_ = false;
};

}  // namespace

bool is_compressed(std::string_view bytes) noexcept {
    return bytes.starts_with(gzip_mark) || bytes.starts_with(xz_mark) || bytes.starts_with(zstd_mark);
}

std::unique_ptr<Decompressor> decompressor_of(std::string_view bytes, std::size_t memory) {
    if (bytes.starts_with(gzip_mark)) return std::make_unique<Gzip>(bytes);
    if (bytes.starts_with(xz_mark)) return std::make_unique<Xz>(bytes, memory);
    if (bytes.starts_with(zstd_mark)) return std::make_unique<Zstd>(bytes, memory);
    return nullptr;
}

}  // namespace poolcpuid::dump
