// Writing results: to standard output, or to a file that is complete or not there.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cli/page.hpp"

namespace poolcpuid::cli {

// Output that could not be written (exit status 5).
class OutputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Writes bytes to standard output and flushes it. Throws OutputError.
void write_stdout(std::string_view bytes);

// Replaces a regular file atomically: the bytes go to a new file beside it that is then renamed, so a
// reader never sees half of them. One that has these bytes already is left as it is. Anything else (/dev/null, a pipe)
// is written directly. Throws OutputError.
void write_file(const std::string& path, std::string_view bytes);

// Writes bytes to the file, or to standard output when path is empty. Throws OutputError.
void write_result(const std::string& path, std::string_view bytes);

// Where a verb's result goes: --format and -o, empty where they are not given.
struct ResultOptions {
    std::string format;
    std::string output;
};

using Text = std::function<void(Page&)>;  // puts a text on the page

// With -o writes the document to the file and the text to standard error; else one of them to standard output: what
// --format says, or the text where that is a terminal. Throws OutputError.
void emit(const ResultOptions& options, const std::function<std::string()>& document, const Text& text);

// A result of any length, a line after another: what it is given is written.
using Lines = std::function<void(const std::function<void(std::string_view line)>&)>;

// The same with such a document, whatever --format says: to standard output as it is made, to a file when all is there.
void emit_lines(const ResultOptions& options, const Lines& lines, const Text& text);

// Writes a text to standard error, beside the result; not in a run that is quiet, or whose errors or log
// are JSON.
void remark(const Text& text);

// What -o must not name: a result never takes the place of what it was made from.

// Throws UsageError when the option's output, which may be empty, names one of the inputs (arguments as inputs.hpp
// describes them, or empty), or a file that is there in a directory among them. Files count, not names: links and other
// spellings too.
void check_output(const std::string& output, std::vector<std::string> inputs,
                  const std::vector<std::string>& more_inputs = {}, const char* option = "-o");

// Throws UsageError when both name one file, which the second would then replace. Either may be empty.
void check_two_outputs(const std::string& output, const std::string& other, const char* option_of_other);

}  // namespace poolcpuid::cli
