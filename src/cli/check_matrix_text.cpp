// check with several policies: a line a group of hosts, a column a policy.
#include <algorithm>
#include <utility>

#include "cli/texts.hpp"

namespace poolcpuid::cli {

namespace {

// What one policy finds on one host, as far as the table shows it.
using MatrixCell = std::pair<Outcome, bool>;  // and whether the host is compatible

class MatrixText {
public:
    MatrixText(const std::vector<PolicyVerdicts>& matrix, Strictness strictness, const CpuNames& cpus, Page& page)
        : matrix_(matrix), strictness_(strictness), page_(page) {
        for (std::size_t host = 0; host < matrix.front().verdicts.size(); ++host) add(host);
        for (const Row& row : rows_) names_.push_back(group_text(row.names, cpus));
        constexpr std::size_t most = 40;
        name_columns_ = group_columns(names_, most) + 1;
    }

    void put() {
        head();
        for (std::size_t first = 0; first < matrix_.size(); first += columns_at_once()) table(first);
        page_.blank();
        if (has_degraded()) page_.line("*: degraded. It gets slower there, or finds another description.");
        page_.line("poolcpuid check POLICY HOST says why; --format json has all of it.");
    }

private:
    struct Row {
        std::vector<MatrixCell> cells;
        std::vector<std::string> names;
    };

    // Hosts on which all policies find the same are one row.
    void add(std::size_t host) {
        std::vector<MatrixCell> cells;
        for (const PolicyVerdicts& policy : matrix_) {
            const Verdict& verdict = policy.verdicts[host];
            cells.emplace_back(verdict.outcome(strictness_.unknown), verdict.compatible(strictness_));
        }
        const Verdict& verdict = matrix_.front().verdicts[host];
        const std::string name = (verdict.is_policy ? "pool " : "") + verdict.name;
        const auto same = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.cells == cells; });
        if (same != rows_.end()) {
            same->names.push_back(name);
        } else {
            rows_.push_back({std::move(cells), {name}});
        }
    }

    void head() {
        const std::size_t hosts = matrix_.front().verdicts.size();
        page_.line(counted(matrix_.size(), "policy", "policies") + ", " + counted(hosts, "host"), Colour::bold);
        for (std::size_t i = 0; i < matrix_.size(); ++i) {
            std::size_t yes = 0;
            std::size_t degraded = 0;
            for (const Row& row : rows_) {
                const auto& [outcome, is_compatible] = row.cells[i];
                if (is_compatible) yes += row.names.size();
                if (is_compatible && outcome == Outcome::runs_degraded) degraded += row.names.size();
            }
            page_.paragraph(2, std::to_string(i + 1) + "  ",
                            name_of(i) + ": may run on " + std::to_string(yes) + " of " + std::to_string(hosts) +
                                (degraded == 0 ? "" : ", degraded on " + std::to_string(degraded)),
                            Colour::cyan, 3);
        }
    }

    // Its pool's, with the digest where several have one name.
    std::string name_of(std::size_t i) const {
        const PoolPolicy& policy = matrix_[i].policy;
        const auto namesakes = std::count_if(matrix_.begin(), matrix_.end(), [&](const PolicyVerdicts& other) {
            return other.policy.pool == policy.pool;
        });
        constexpr std::size_t digits = 12;
        return policy.pool + " (" + policy.vendor + (namesakes > 1 ? ", " + sha256_of(policy).substr(0, digits) : "") +
               ")";
    }

    std::size_t columns_at_once() const {
        const std::size_t room = page_.width() - std::min(page_.width(), name_columns_);
        return std::max<std::size_t>(1, room / cell_columns);
    }

    static Cell cell_of(const MatrixCell& cell) {
        const auto& [outcome, is_compatible] = cell;
        switch (outcome) {
            case Outcome::runs: return {"yes", cell_columns, true, Colour::green};
            case Outcome::runs_degraded:
                return {"yes*", cell_columns, true, is_compatible ? Colour::yellow : Colour::red};
            case Outcome::must_not_run: break;
        }
        return {"no", cell_columns, true, Colour::red};
    }

    bool has_degraded() const {
        return std::any_of(rows_.begin(), rows_.end(), [](const Row& row) {
            return std::any_of(row.cells.begin(), row.cells.end(),
                               [](const MatrixCell& cell) { return cell.first == Outcome::runs_degraded; });
        });
    }

    // The policies from first on that have room beside each other.
    void table(std::size_t first) {
        const std::size_t last = std::min(matrix_.size(), first + columns_at_once());
        std::vector<Cell> titles{{"host", name_columns_}};
        for (std::size_t i = first; i < last; ++i) titles.push_back({std::to_string(i + 1), cell_columns, true});
        page_.blank();
        page_.cells(titles);
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            std::string name = names_[row];
            if (display_width(name) >= name_columns_) page_.line(std::exchange(name, ""));
            std::vector<Cell> cells{{name, name_columns_}};
            for (std::size_t i = first; i < last; ++i) cells.push_back(cell_of(rows_[row].cells[i]));
            page_.cells(cells);
        }
    }

    static constexpr std::size_t cell_columns = 6;

    const std::vector<PolicyVerdicts>& matrix_;
    Strictness strictness_;
    Page& page_;
    std::vector<Row> rows_;
    std::vector<std::string> names_;  // parallel to rows_
    std::size_t name_columns_ = 0;
};

}  // namespace

void check_matrix_text(const std::vector<PolicyVerdicts>& matrix, Strictness strictness, const CpuNames& cpus,
                       Page& page) {
    MatrixText(matrix, strictness, cpus, page).put();
}

}  // namespace poolcpuid::cli
