// How far a long merge is, in one line that is written over: only on a terminal, and only once it takes over a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace poolcpuid::cli {

// What is counted.
struct Counted {
    std::size_t hosts = 0;
    std::size_t of_hosts = 0;  // those that are known so far; 0: nobody knows
    std::size_t bytes = 0;     // that were read
};

// "reading  [#####     ] 1,000 of 2,000 hosts  12.5 MB  8.3 MB/s", no longer than width columns. ASCII.
std::string progress_line(const std::string& doing, const Counted& counted, double seconds, std::size_t width);

// Shows progress on standard error while it is counted, and wipes it when it goes out of scope. Nothing is shown where
// standard error is no terminal, in a quiet run, or where errors are JSON.
class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { wipe(); }

    // A new count from here on, of work that the line calls so.
    void start(const std::string& doing);

    // There are so many more hosts than was known.
    void expect(std::size_t hosts);

    void add(std::size_t hosts, std::size_t bytes = 0);

    // Takes the line away: something else is about to be written.
    void wipe();

private:
    using Clock = std::chrono::steady_clock;

    void show();

    bool is_shown_at_all_;
    Clock::time_point begin_ = Clock::now();  // of everything
    Clock::time_point start_ = begin_;        // of this count
    Clock::time_point last_ = begin_;         // when the line was written last
    std::string doing_;
    Counted counted_;
    bool has_line_ = false;
};

}  // namespace poolcpuid::cli
