#include "poolcpuid/unpack.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/lists.hpp"
#include "dump/decompress.hpp"
#include "dump/tar.hpp"
#include "poolcpuid/partial_result.hpp"

namespace poolcpuid {

namespace {

constexpr std::size_t piece = std::size_t{1} << 16;

std::string_view last_name(std::string_view path) noexcept { return path.substr(path.rfind('/') + 1); }

// "node7.json" of "node7.json.gz": the file that was compressed.
std::string_view without_packer(std::string_view file) noexcept {
    for (const std::string_view ending : {".gz", ".xz", ".zst"}) {
        if (file.ends_with(ending) && last_name(file).size() > ending.size()) {
            return file.substr(0, file.size() - ending.size());
        }
    }
    return file;
}

// What is read: bytes as they stand, or what a decoder makes of them.
struct Source {
    std::string_view rest;
    std::unique_ptr<dump::Decompressor> decoder;
};

class Unpacker {
public:
    Unpacker(std::string_view file, const std::function<void(const Unpacked&)>& take, const UnpackLimits& limits)
        : file_(file), take_(take), limits_(limits) {}

    std::vector<std::string> run(std::string_view bytes) {
        Source source = source_of(bytes);
        if (!source.decoder && !dump::is_tar(bytes)) {
            take_({bytes, file_, file_});
            return {};
        }
        std::string beginning;
        append(source, beginning, file_);
        if (dump::is_tar(beginning)) {
            take_members(source, beginning);
        } else {
            const std::string text = whole(source, std::move(beginning), file_);
            take_({text, file_, std::string(without_packer(file_))});
        }
        return std::move(left_aside_);
    }

private:
    Source source_of(std::string_view bytes) const {
        return {bytes, dump::decompressor_of(bytes, limits_.decoder_bytes)};
    }

    [[noreturn]] static void refuse(const std::string& file, const char* expected, std::size_t most, const char* what) {
        throw InputError(file, 0, expected + std::to_string(most) + what, "more");
    }

    // Fills room; less than there is room for only at the end. What does not decompress is an InputError of file.
    std::size_t read(Source& source, std::span<char> room, const std::string& file) {
        std::size_t count = std::min(room.size(), source.rest.size());
        if (source.decoder) {
            try {
                count = source.decoder->read(room);
            } catch (const dump::DamagedData& error) {
                throw InputError(file, 0, "compressed data that is whole", error.what());
            }
        } else {
            std::copy_n(source.rest.begin(), count, room.begin());
            source.rest.remove_prefix(count);
        }
        add(unpacked_, count);
        return count;
    }

    // Counts what was unpacked.
    void add(std::size_t& count, std::size_t more) const {
        count += more;
        if (count > limits_.all_bytes) refuse(file_, "at most ", limits_.all_bytes, " bytes when unpacked");
    }

    // Appends the next piece to text; false at the end.
    bool append(Source& source, std::string& text, const std::string& file) {
        const std::size_t size = text.size();
        text.resize(size + piece);
        const std::size_t count = read(source, std::span(text).subspan(size), file);
        text.resize(size + count);
        return count == piece;
    }

    // The text that begins so. Gives up as soon as it can be nothing that is taken.
    std::string whole(Source& source, std::string text, const std::string& file) {
        std::optional<bool> is_stream;
        while (append(source, text, file)) {
            if (text.size() <= limits_.text_bytes) continue;
            if (!is_stream) is_stream = is_host_stream(text) || is_partial_result(text);
            if (!*is_stream) refuse(file, "one document of at most ", limits_.text_bytes, " bytes when unpacked");
        }
        return text;
    }

    void take_members(Source& source, std::string_view beginning) {
        try {
            dump::TarReader archive([&](std::span<char> room) {
                if (beginning.empty()) return read(source, room, file_);
                const std::size_t count = std::min(room.size(), beginning.size());
                std::copy_n(beginning.begin(), count, room.begin());
                beginning.remove_prefix(count);
                return count;
            });
            while (archive.next()) take_member(archive);
        } catch (const dump::DamagedData& error) {
            throw InputError(file_, 0, "a tar archive that is whole", error.what());
        }
        if (members_ == 0) {
            constexpr std::size_t most_named = 3;
            throw InputError(file_, 0, "an archive with host dumps",
                             left_aside_.empty() ? "no file"
                                                 : "only what is no host's: " + short_list(left_aside_, most_named) +
                                                       " (links, devices, and names that begin with a dot)");
        }
    }

    void take_member(dump::TarReader& archive) {
        if (archive.is_directory()) return;
        if (!archive.is_regular() || last_name(archive.name()).starts_with('.')) {
            left_aside_.push_back(archive.name());
            archive.skip();
            return;
        }
        if (++members_ > limits_.members) refuse(file_, "at most ", limits_.members, " files in an archive");
        const std::string file = file_ + ":" + archive.name();
        std::optional<std::string> bytes = archive.read(limits_.text_bytes);
        if (!bytes) refuse(file, "a dump of at most ", limits_.text_bytes, " bytes");
        add(of_members_, bytes->size());
        Source source = source_of(*bytes);
        std::string named_by = archive.name();
        if (source.decoder) {
            bytes = whole(source, {}, file);
            named_by = without_packer(named_by);
        }
        // Readers look for rows in any text: they would find those of some file in there.
        if (dump::is_tar(*bytes)) throw InputError(file, 0, "a CPUID dump", "a tar archive (unpack it first)");
        take_({*bytes, file, named_by, true});
    }

    std::string file_;
    const std::function<void(const Unpacked&)>& take_;
    const UnpackLimits& limits_;
    std::size_t unpacked_ = 0;
    std::size_t of_members_ = 0;  // which may have holes, of which the archive has no bytes
    std::size_t members_ = 0;
    std::vector<std::string> left_aside_;
};

}  // namespace

bool is_packed(std::string_view bytes) noexcept { return dump::is_compressed(bytes) || dump::is_tar(bytes); }

std::vector<std::string> unpack(std::string_view bytes, std::string_view file,
                                const std::function<void(const Unpacked&)>& take, const UnpackLimits& limits) {
    return Unpacker(file, take, limits).run(bytes);
}

}  // namespace poolcpuid
