// Compressed data and tar archives for tests of what unpacks them, made without the library that reads archives.
#pragma once

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poolcpuid::test {

enum class Packing { none, gzip, xz, zstd };

inline std::string packed(Packing packing, const std::string& bytes) {
    if (packing == Packing::none) return bytes;
    std::string room(bytes.size() + bytes.size() / 8 + 4096, '\0');
    auto* const out = reinterpret_cast<std::uint8_t*>(room.data());
    const auto* const in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t size = 0;
    if (packing == Packing::gzip) {
        constexpr int as_gzip = 16;
        constexpr int memory = 8;
        z_stream stream{};
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, as_gzip + MAX_WBITS, memory, Z_DEFAULT_STRATEGY);
        stream.next_in = const_cast<std::uint8_t*>(in);
        stream.avail_in = static_cast<unsigned>(bytes.size());
        stream.next_out = out;
        stream.avail_out = static_cast<unsigned>(room.size());
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("gzip");
        size = stream.total_out;
        deflateEnd(&stream);
    } else if (packing == Packing::xz) {
        constexpr std::uint32_t preset = 6;
        if (lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, nullptr, in, bytes.size(), out, &size, room.size()) !=
            LZMA_OK) {
            throw std::runtime_error("xz");
        }
    } else {
        constexpr int level = 3;
        ZSTD_CCtx* const context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        size = ZSTD_compress2(context, out, room.size(), in, bytes.size());
        ZSTD_freeCCtx(context);
        if (ZSTD_isError(size) != 0) throw std::runtime_error("zstd");
    }
    room.resize(size);
    return room;
}

// Values of the header's field typeflag (POSIX.1-2017, pax; L is GNU's).
enum class MemberType : char {
    file = '0',
    symbolic_link = '2',
    directory = '5',
    fifo = '6',
    pax = 'x',
    long_name = 'L'
};

struct Member {
    std::string name;
    std::string bytes;
    MemberType type = MemberType::file;
};

namespace tar_detail {

constexpr std::size_t block = 512;

inline void put(std::string& header, std::size_t at, std::string_view text) { header.replace(at, text.size(), text); }

inline void put_octal(std::string& header, std::size_t at, int digits, std::size_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*zo", digits, value);
    put(header, at, text);
}

// The header with its checksum.
inline std::string with_sum(std::string header) {
    put(header, 148, "        ");
    const auto sum = std::accumulate(header.begin(), header.end(), std::size_t{0},
                                     [](std::size_t all, char c) { return all + static_cast<unsigned char>(c); });
    put_octal(header, 148, 6, sum);
    header[154] = '\0';
    return header;
}

inline std::string header_of(std::string_view name, std::size_t size, MemberType type) {
    std::string header(block, '\0');
    put(header, 0, name.substr(0, 100));
    put_octal(header, 100, 7, 0644);
    put_octal(header, 108, 7, 0);
    put_octal(header, 116, 7, 0);
    put_octal(header, 124, 11, size);
    put_octal(header, 136, 11, 0);
    header[156] = static_cast<char>(type);
    if (type == MemberType::symbolic_link) put(header, 157, "/etc/passwd");
    put(header, 257, std::string_view("ustar\00000", 8));
    return with_sum(std::move(header));
}

inline std::string member_of(std::string_view name, const std::string& bytes, MemberType type) {
    std::string text = header_of(name, bytes.size(), type) + bytes;
    text.resize((text.size() + block - 1) / block * block);
    return text;
}

// "27 path=hosts/node7.txt\n": the length counts itself.
inline std::string pax_record(const std::string& text) {
    std::size_t length = text.size() + 3;
    while (std::to_string(length).size() + 2 + text.size() != length) ++length;
    return std::to_string(length) + " " + text + "\n";
}

// A file of a hole and a block of blanks behind it (GNU's old format of sparse files).
inline std::string hole_of(std::string_view name, std::size_t hole) {
    std::string header = header_of(name, block, static_cast<MemberType>('S'));
    put(header, 257, std::string_view("ustar  \0", 8));
    put_octal(header, 386, 11, hole);  // where the only piece of data begins, and its size
    put_octal(header, 398, 11, block);
    put_octal(header, 483, 11, hole + block);
    return with_sum(std::move(header)) + std::string(block, ' ');
}

}  // namespace tar_detail

// The end that each archive has.
inline const std::string tar_end(2 * tar_detail::block, '\0');

// An archive as POSIX has it: a name that ustar has no room or no letters for has a header of its own before it.
inline std::string tar_of(const std::vector<Member>& members, Packing packing = Packing::none) {
    std::string archive;
    for (const Member& member : members) {
        const bool is_plain = member.name.size() <= 100 && static_cast<unsigned char>(member.name[0]) < 0x80;
        if (!is_plain) {
            archive += tar_detail::member_of("pax", tar_detail::pax_record("path=" + member.name), MemberType::pax);
        }
        archive += tar_detail::member_of(is_plain ? member.name : "short", member.bytes, member.type);
    }
    return packed(packing, archive + tar_end);
}

// The same as GNU tar writes it.
inline std::string gnu_tar_of(const std::vector<Member>& members) {
    std::string archive;
    for (const Member& member : members) {
        if (member.name.size() > 100) {
            archive += tar_detail::member_of("././@LongLink", member.name + '\0', MemberType::long_name);
        }
        archive += tar_detail::member_of(member.name, member.bytes, member.type);
    }
    return archive + tar_end;
}

}  // namespace poolcpuid::test
