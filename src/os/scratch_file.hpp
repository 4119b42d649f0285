// Bytes that are put aside so that they take no memory of the process: in a file without a name, which ends with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "os/file_descriptor.hpp"

namespace poolcpuid::os {

// Several threads may read one at once.
class ScratchFile {
public:
    // In the folder for temporary files ($TMPDIR, else /tmp), for the user of the process alone (mode 0600).
    ScratchFile();

    std::uint64_t size() const noexcept { return in_file_ + rest_.size(); }

    // Puts bytes behind the others. From the first that the file does not take they are held in memory: where there is
    // no folder for it, the disk is full, or a limit (RLIMIT_FSIZE, RLIMIT_NOFILE) is reached.
    void append(std::string_view bytes);

    // So many bytes from a place on, which must have been appended. Throws SystemError when the file does not give them
    // back.
    std::string read(std::uint64_t place, std::size_t count) const;

private:
    FileDescriptor file_;
    std::uint64_t in_file_ = 0;  // bytes of the file
    std::string rest_;           // what is behind them
};

}  // namespace poolcpuid::os
