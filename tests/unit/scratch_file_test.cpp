// What is put aside in a file without a name comes back, whatever the file takes of it.
#include "os/scratch_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "poolcpuid/error.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::scratch_file_test {

namespace fs = std::filesystem;
using os::ScratchFile;

namespace {

// TMPDIR is this folder while it lives.
class TemporaryFolder {
public:
    explicit TemporaryFolder(const std::string& path) {
        if (const char* before = std::getenv("TMPDIR")) before_ = before;
        ::setenv("TMPDIR", path.c_str(), 1);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR"); }

private:
    std::optional<std::string> before_;
};

// Files grow to so many bytes while it lives, and the signal that says so would end the process.
class SizeLimit {
public:
    explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_DFL)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        struct rlimit lower = before_;
        lower.rlim_cur = bytes;
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
    }
    SizeLimit(const SizeLimit&) = delete;
    SizeLimit& operator=(const SizeLimit&) = delete;
    ~SizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int);
    struct rlimit before_ {};
};

// Where the process has files of this folder open: paths in /proc/self/fd, by what they lead to.
std::map<std::string, std::string> open_files(const std::string& folder) {
    std::map<std::string, std::string> found;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // that of the walk itself
        const std::string leads_to = fs::read_symlink(entry.path(), gone).string();
        if (leads_to.starts_with(folder)) found.emplace(leads_to, entry.path().string());
    }
    return found;
}

std::string text(std::size_t size, unsigned first) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(first + i % 251);
    return bytes;
}

const std::string some = text(5000, 0);
const std::string more = text(9000, 3);

// All of it, and ranges at its ends and across the piece that was put behind another.
void check_bytes(const ScratchFile& file) {
    const std::string all = some + more;
    REQUIRE(file.size() == all.size());
    for (const std::size_t place : {0U, 1U, 4999U, 5000U, 6000U, 13'999U, 14'000U}) {
        for (const std::size_t count : {0U, 1U, 2000U, 14'000U}) {
            if (place + count <= all.size()) CHECK(file.read(place, count) == all.substr(place, count));
        }
    }
}

}  // namespace

TEST_CASE("what is put aside comes back, out of a file that has no name and is its user's alone", "[scratch]") {
    const TemporaryDirectory directory;
    const TemporaryFolder folder(directory.path());
    {
        ScratchFile file;
        file.append(some);
        file.append(more);
        check_bytes(file);
        CHECK(directory.listing().empty());
        const auto files = open_files(directory.path());
        REQUIRE(files.size() == 1);
        struct stat status {};
        REQUIRE(::stat(files.begin()->second.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777U) == 0600);
        CHECK(status.st_size == 14'000);
        ScratchFile moved = std::move(file);
        check_bytes(moved);
    }
    CHECK(open_files(directory.path()).empty());
}

TEST_CASE("what a file does not take is held in memory", "[scratch]") {
    const TemporaryDirectory directory;
    SECTION("there is no folder for it") {
        const TemporaryFolder folder(directory.file("none"));
        ScratchFile file;
        file.append(some);
        file.append(more);
        check_bytes(file);
    }
    SECTION("it may not grow as much") {
        const TemporaryFolder folder(directory.path());
        const rlim_t limit = GENERATE(rlim_t{0}, 5000U, 13'999U);
        ScratchFile file;
        {
            const SizeLimit limited(limit);
            file.append(some);
            file.append(more);
        }
        check_bytes(file);
        const auto files = open_files(directory.path());
        REQUIRE(files.size() == 1);
        CHECK(fs::file_size(files.begin()->second) <= limit);
        file.append("x");  // behind what is in memory, though the file would take it again
        CHECK(file.read(13'999, 2) == more.substr(8999) + "x");
    }
}

TEST_CASE("what cannot be read back is an error that says so", "[scratch]") {
    const TemporaryDirectory directory;
    const TemporaryFolder folder(directory.path());
    ScratchFile file;
    file.append(some);
    const auto files = open_files(directory.path());
    REQUIRE(files.size() == 1);
    const os::FileDescriptor same(files.begin()->second, O_WRONLY);
    REQUIRE(::ftruncate(same.number(), 4000) == 0);
    CHECK(file.read(0, 4000) == some.substr(0, 4000));
    CHECK_THROWS_WITH(file.read(0, 4001),
                      "what was put aside in a temporary file cannot be read back: the file is shorter than it was "
                      "written");
    CHECK_THROWS_AS(file.read(0, 4001), SystemError);
}

}  // namespace poolcpuid::test::scratch_file_test
