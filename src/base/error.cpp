#include "poolcpuid/error.hpp"

#include <utility>

namespace poolcpuid {

namespace {

std::string describe(const std::string& file, std::size_t line, const std::string& expected, const std::string& found) {
    std::string place = file;
    if (line != 0) place += ":" + std::to_string(line);
    return place + ": expected " + expected + ", found " + found;
}

}  // namespace

InputError::InputError(std::string file, std::size_t line, std::string expected, std::string found)
    : std::runtime_error(describe(file, line, expected, found)),
      file_(std::move(file)),
      line_(line),
      expected_(std::move(expected)),
      found_(std::move(found)) {}

}  // namespace poolcpuid
