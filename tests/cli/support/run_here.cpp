#include "tests/cli/support/run_here.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "os/file_descriptor.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

namespace {

// Sends what is written to a standard stream to a file, until it goes out of scope.
class Redirected {
public:
    Redirected(int stream, const std::string& file)
        : stream_(stream), before_(::fcntl(stream, F_DUPFD_CLOEXEC, 3)), file_(file, O_WRONLY | O_CREAT) {
        std::fflush(nullptr);
        if (!before_.is_open() || ::dup2(file_.number(), stream) < 0) {
            throw std::system_error(errno, std::system_category(), file);
        }
    }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;
    ~Redirected() {
        std::fflush(nullptr);
        ::dup2(before_.number(), stream_);
    }

private:
    int stream_;
    os::FileDescriptor before_;
    os::FileDescriptor file_;
};

}  // namespace

Result run_here(const std::function<cli::ExitStatus()>& verb) {
    const TemporaryDirectory dir;
    Result result;
    {
        const Redirected out(STDOUT_FILENO, dir.write("out", ""));
        const Redirected err(STDERR_FILENO, dir.write("err", ""));
        result.status = static_cast<int>(verb());
    }
    result.out = dir.read("out");
    result.err = dir.read("err");
    return result;
}

}  // namespace poolcpuid::test
