#include "cli/input_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/located_text.hpp"
#include "cli/input_file.hpp"
#include "cli/log.hpp"
#include "cli/manner.hpp"
#include "cli/ordered_work.hpp"
#include "cli/progress.hpp"
#include "dump/host_stream.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t stream_piece = std::size_t{1} << 20;  // bytes of a stream that are one piece of work
constexpr std::size_t most_at_once = std::size_t{4} << 20;  // of a file that is one
constexpr std::uintmax_t most_alone = 32U << 10U;           // of all files that are read before threads are started

bool is_stream_of_lines(std::string_view bytes) noexcept {
    return dump::stream_kind(dump::without_byte_order_mark(bytes)) == dump::StreamKind::lines;
}

class InputReader {
public:
    // The taker must outlive the reader.
    InputReader(const InputOptions& options, HostTaker& taker)
        : options_(options),
          taker_(taker),
          work_(manner().threads, [this](FileContent&& content) { take(std::move(content)); }) {}

    Inputs run(const std::vector<std::string>& arguments) {
        expect(arguments.size());
        for (const std::string& text : arguments) {
            const Argument argument = parse_argument(text);
            if (!argument.name && looks_named(text) && options_.says) {
                log_warning(text + " is the name of a file: it is read, and not as NAME=FILE");
            }
            try {
                read_argument(argument, text);
            } catch (const InputError& error) {
                fail(text, error);
            }
        }
        work_.finish();
        return std::move(inputs_);
    }

private:
    // In its place among what the files before it give.
    void fail(const std::string& file, const InputError& error) {
        work_.give_small([file, error] {
            FileContent content;
            content.unreadable.emplace_back(file, error);
            return content;
        });
    }

    void take(FileContent&& content) {
        if (options_.says) {
            for (const std::string& said : content.said) log_info(said);
        }
        if (content.stream) spares_.push_back(std::move(content.piece));
        if (content.stream && !take_piece(*content.stream, content)) return;
        if (options_.progress != nullptr)
            options_.progress->add(content.hosts.size() + content.streamed.size(), content.bytes);
        for (std::size_t i = 0; i < content.hosts.size(); ++i) {
            taker_.take(std::move(content.hosts[i]), content.files[i]);
        }
        for (const StreamedHost& host : content.streamed) taker_.take(host, content.stream->file);
        for (PoolPolicy& policy : content.policies) inputs_.policies.push_back(std::move(policy));
        for (auto& problem : content.unreadable) inputs_.unreadable.push_back(std::move(problem));
        for (const PartialResult& part : content.parts) take_part(part);
        for (InputError& error : content.refused) inputs_.refused.push_back(std::move(error));
    }

    void take_part(const PartialResult& part) {
        try {
            inputs_.part.combine(part);
        } catch (const InputError& error) {
            inputs_.refused.push_back(error);
        }
    }

    // False for a piece that counts no longer: the stream ended in an earlier one.
    static bool take_piece(StreamState& stream, FileContent& content) {
        if (stream.failed) return false;
        stream.failed = content.ends_stream;
        stream.hosts += content.streamed.size();
        stream.unreadable += content.unreadable.size();
        if (!stream.failed && stream.unreadable > limits::unreadable_per_stream) {
            const auto& [document, error] = content.unreadable.back();
            content.unreadable.emplace_back(document, dump::too_many_unreadable(stream.file, error.line()));
            stream.failed = true;
        }
        return true;
    }

    void read_argument(const Argument& argument, const std::string& text) {
        if (argument.name) check_name(argument);
        std::error_code error;
        if (argument.path != "-" && fs::is_directory(argument.path, error)) return read_directory(argument);
        const FileReading reading{argument.path,   text,          argument.name, false, options_.accepts_policies,
                                  options_.listed, options_.merge};
        const bool is_small =
            fs::is_regular_file(argument.path, error) && fs::file_size(argument.path, error) <= most_at_once && !error;
        if (argument.path == "-" || !is_small) return read_in_pieces(reading);
        give_file(reading);
    }

    // A few small files are read here: threads, each with a stack and a heap of its own, cost more than that.
    void give_file(const FileReading& reading) {
        if (bytes_alone_ <= most_alone) {
            std::error_code error;
            bytes_alone_ += std::min(fs::file_size(reading.path, error), most_alone + 1);  // of what is no file: all
        }
        const auto read = [reading] { return read_input_file(reading); };
        if (bytes_alone_ <= most_alone) {
            work_.give_small(read);
        } else {
            work_.give(read);
        }
    }

    static void check_name(const Argument& argument) {
        const std::string problem = host_name_problem(*argument.name);
        if (!problem.empty()) throw InputError(argument.path, 0, "a host's name before \"=\"", problem);
    }

    void read_directory(const Argument& argument) {
        if (argument.name) {
            throw InputError(argument.path, 0, "a file, since it is given the name \"" + *argument.name + "\"",
                             "a directory");
        }
        const std::vector<std::string> files = files_in(argument.path, options_.says);
        if (files.empty()) throw InputError(argument.path, 0, "a directory with host dumps", "no file");
        expect(files.size() - 1);
        for (const std::string& file : files) {
            give_file({file, file, std::nullopt, true, false, options_.listed, options_.merge});
        }
    }

    // What may be too large to be held: a stream of host documents is read while the pieces before are understood.
    void read_in_pieces(const FileReading& reading) {
        const std::string name = display_name(reading.path);
        try {
            const os::InputFile file = os::InputFile::open(reading.path);
            std::string bytes;
            file.read_some(bytes, stream_piece);
            if (!reading.name && bytes.size() >= stream_piece && is_stream_of_lines(bytes)) {
                return read_lines(reading, file, std::move(bytes));
            }
            LimitWatch watch(name);
            watch(bytes);
            while (file.read_some(bytes, stream_piece) != 0) watch(bytes);
            auto whole = std::make_shared<std::string>(std::move(bytes));
            work_.give([reading, whole] { return read_input_file(reading, std::move(*whole)); });
        } catch (const os::ReadError& error) {
            throw InputError(name, 0, "a readable file", error.what());
        }
    }

    void read_lines(const FileReading& reading, const os::InputFile& file, std::string bytes) {
        const LimitWatch watch(display_name(reading.path));
        const auto stream = std::make_shared<StreamState>(display_name(reading.path), reading.listed);
        std::size_t first_line = 1;
        std::size_t read = bytes.size();
        for (bool at_end = false; !at_end && !stream->failed;) {
            const std::size_t last = bytes.rfind('\n');
            const std::size_t rest = last == std::string::npos ? bytes.size() : bytes.size() - last - 1;
            watch.check_lines(read, rest);
            if (rest < bytes.size()) {
                std::string next = spare();
                next.assign(bytes, bytes.size() - rest, rest);
                bytes.resize(bytes.size() - rest);
                first_line += give_lines(reading, stream, std::move(bytes), first_line);
                bytes = std::move(next);
            }
            const std::size_t more = file.read_some(bytes, stream_piece);
            at_end = more == 0;
            read += more;
        }
        if (!bytes.empty() && !stream->failed) give_lines(reading, stream, std::move(bytes), first_line);
        work_.finish();
    }

    // Memory of a piece that was read: what is asked for anew is cleared page by page.
    std::string spare() {
        if (spares_.empty()) return {};
        std::string memory = std::move(spares_.back());
        spares_.pop_back();
        return memory;
    }

    // Returns the number of lines.
    std::size_t give_lines(const FileReading& reading, const std::shared_ptr<StreamState>& stream, std::string bytes,
                           std::size_t first_line) {
        const std::size_t lines = count_line_feeds(bytes);
        // How many hosts the pieces before have counts only near the bound.
        if (first_line + lines > limits::hosts_per_stream) work_.finish();
        const std::size_t hosts = stream->hosts;
        const auto piece = std::make_shared<std::string>(std::move(bytes));
        work_.give([reading, stream, piece, first_line, hosts] {
            FileContent content = read_input_lines(reading, stream, *piece, first_line, hosts);
            content.piece = std::move(*piece);
            return content;
        });
        return lines;
    }

    void expect(std::size_t hosts) const {
        if (options_.progress != nullptr) options_.progress->expect(hosts);
    }

    InputOptions options_;
    HostTaker& taker_;
    Inputs inputs_;
    std::vector<std::string> spares_;
    std::uintmax_t bytes_alone_ = 0;  // of the files that were given, up to the first that is beyond the bound
    OrderedWork<FileContent> work_;
};

}  // namespace

Inputs give_hosts(const std::vector<std::string>& arguments, const InputOptions& options, HostTaker& taker) {
    return InputReader(options, taker).run(arguments);
}

}  // namespace poolcpuid::cli
