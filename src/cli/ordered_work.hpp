// Work that several threads do side by side, and whose results are taken one by one in the order in which it was given:
// what is made of them is the same whatever the number of threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace poolcpuid::cli {

template <typename Result>
class OrderedWork {
public:
    using Work = std::function<Result()>;
    using Take = std::function<void(Result&&)>;

    // With one thread the work is done where it is given.
    OrderedWork(std::size_t threads, Take take) : take_(std::move(take)), most_threads_(threads) {}
    OrderedWork(const OrderedWork&) = delete;
    OrderedWork& operator=(const OrderedWork&) = delete;

    // Work that nobody began is not done.
    ~OrderedWork() {
        {
            const std::scoped_lock lock(mutex_);
            ends_ = true;
            queue_.clear();
        }
        wakes_.notify_all();
        for (std::thread& thread : threads_) thread.join();
    }

    // Gives work; takes results that are due, and waits for one when much is waiting: a few pieces of work for each
    // thread are in memory, and no more. Throws what taking throws, and what the work did whose result is taken.
    void give(Work work) {
        if (most_threads_ < 2) return take_(work());
        while (threads_.size() < most_threads_) threads_.emplace_back([this] { run(); });
        std::packaged_task<Result()> task(std::move(work));
        results_.push_back(task.get_future());
        {
            const std::scoped_lock lock(mutex_);
            queue_.push_back(std::move(task));
        }
        wakes_.notify_one();
        constexpr std::size_t most_waiting = 4;  // a thread
        while (results_.size() > most_waiting * threads_.size()) take_first();
    }

    // The same with work that is done sooner than a thread is started: as long as there is none, it is done here.
    void give_small(Work work) {
        if (threads_.empty()) return take_(work());
        give(std::move(work));
    }

    // Takes all results that are left. Throws as give().
    void finish() {
        while (!results_.empty()) take_first();
    }

private:
    void take_first() {
        std::future<Result> first = std::move(results_.front());
        results_.pop_front();
        take_(first.get());
    }

    void run() {
        while (true) {
            std::packaged_task<Result()> task;
            {
                std::unique_lock lock(mutex_);
                wakes_.wait(lock, [this] { return ends_ || !queue_.empty(); });
                if (queue_.empty()) return;
                task = std::move(queue_.front());
                queue_.pop_front();
            }
            task();
        }
    }

    Take take_;
    std::size_t most_threads_;
    std::deque<std::future<Result>> results_;
    std::mutex mutex_;
    std::condition_variable wakes_;
    std::deque<std::packaged_task<Result()>> queue_;  // under mutex_, as is ends_
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace poolcpuid::cli
