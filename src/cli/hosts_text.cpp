// hosts: a line a group of hosts that are alike, or a host, with what is not known of them under it.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/hex.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t column_gap = 2;    // blanks between two columns
constexpr std::size_t widest_name = 24;  // a longer one stands on a line of its own
constexpr const char* not_known = "unknown";

// A line of the table, and what stands under it.
struct HostLine {
    const HostEntry* entry = nullptr;
    std::string start;               // the number of hosts, or the host's name
    std::string names;               // of a group
    std::vector<std::string> lacks;  // of a host
};

struct HostColumn {
    std::string title;
    std::string (*cell)(const HostEntry& entry);
    std::size_t width = 0;
};

std::string cpu_cell(const HostEntry& entry) { return entry.facts.cpu ? short_text(*entry.facts.cpu) : not_known; }

std::string microcode_cell(const HostEntry& entry) {
    return entry.facts.microcode ? to_hex(*entry.facts.microcode) : not_known;
}

std::string kernel_cell(const HostEntry& entry) { return entry.facts.kernel.empty() ? not_known : entry.facts.kernel; }

std::string format_cell(const HostEntry& entry) { return entry.format; }

std::string views_cell(const HostEntry& entry) {
    if (!entry.has_hardware_view) return entry.facts.vmm;
    return entry.facts.vmm.empty() ? "hardware" : "hardware+" + entry.facts.vmm;
}

std::string msrs_cell(const HostEntry& entry) { return entry.has_msrs ? "yes" : "no"; }

class HostsText {
public:
    HostsText(const Inventory& inventory, bool each, Page& page) : inventory_(inventory), each_(each), page_(page) {}

    void put() {
        head();
        outliers();
        for (const VendorCount& vendor : inventory_.vendors) table(vendor);
        notes();
    }

private:
    static std::string vendor_text(const VendorCount& vendor) {
        return vendor.vendor.empty() ? "no known vendor" : vendor.vendor;
    }

    void head() {
        const std::string hosts = counted(inventory_.hosts.size(), "host");
        if (inventory_.vendors.size() < 2) {
            page_.paragraph(0, hosts, ", " + vendor_text(inventory_.vendors.front()), Colour::bold, 2);
            return;
        }
        std::vector<std::string> vendors;
        for (const VendorCount& vendor : inventory_.vendors) {
            vendors.push_back(std::to_string(vendor.count) + " " + vendor_text(vendor));
        }
        page_.paragraph(0, hosts, ": " + joined(vendors), Colour::bold, 2);
        page_.paragraph(0, "Software reads CPUID by vendor: ", "no policy is true on all of them. Merge each apart.",
                        Colour::yellow, 2);
    }

    void outliers() {
        if (inventory_.outliers.empty()) return;
        page_.title("Outliers: what fewer than half of the hosts with one CPU lack");
        for (const OutlierHosts& outlier : inventory_.outliers) {
            page_.paragraph(2, "- ", outlier.message, Colour::yellow, 2);
        }
    }

    std::vector<HostLine> lines_of(const VendorCount& vendor) const {
        std::vector<HostLine> lines;
        if (each_) {
            for (const HostEntry& host : inventory_.hosts) {
                if (host.vendor == vendor.vendor) lines.push_back({&host, host.name, {}, host.lacks});
            }
            return lines;
        }
        for (const HostsAlike& group : inventory_.groups) {
            if (group.like.vendor != vendor.vendor) continue;
            const std::size_t count = group.names.size();
            lines.push_back({&group.like, std::to_string(count), short_list(group.names, names_in_sentence), {}});
        }
        return lines;
    }

    // The columns after the first; the kernel has one where a host's is known and there is room.
    std::vector<HostColumn> columns_for(const std::vector<HostLine>& lines, std::size_t first) const {
        std::vector<HostColumn> columns{{"CPU", cpu_cell},       {"microcode", microcode_cell}, {"kernel", kernel_cell},
                                        {"format", format_cell}, {"views", views_cell},         {"MSRs", msrs_cell}};
        std::size_t all = first;
        for (HostColumn& column : columns) {
            column.width = column.title.size();
            for (const HostLine& line : lines) {
                column.width = std::max(column.width, display_width(column.cell(*line.entry)));
            }
            all += column.width + column_gap;
        }
        const bool is_any_known = std::any_of(lines.begin(), lines.end(),
                                              [](const HostLine& line) { return !line.entry->facts.kernel.empty(); });
        if (!is_any_known || all > page_.width()) {
            std::erase_if(columns, [](const HostColumn& column) { return column.cell == kernel_cell; });
        }
        return columns;
    }

    void table(const VendorCount& vendor) {
        const std::vector<HostLine> lines = lines_of(vendor);
        const std::string title = each_ ? "host" : "hosts";
        std::size_t first = title.size();
        for (const HostLine& line : lines) first = std::max(first, display_width(line.start));
        first = std::min(first, widest_name);
        const std::vector<HostColumn> columns = columns_for(lines, first);

        if (inventory_.vendors.size() < 2) {
            page_.blank();
        } else {
            page_.title(vendor_text(vendor) + ": " + counted(vendor.count, "host"));
        }
        row(title, first, columns, [](const HostColumn& column) { return column.title; });
        for (const HostLine& line : lines) {
            std::string start = line.start;
            if (display_width(start) > first) page_.line(std::exchange(start, ""));
            row(start, first, columns, [&](const HostColumn& column) { return column.cell(*line.entry); });
            under(line, first + column_gap, columns);
        }
    }

    void row(const std::string& start, std::size_t first, const std::vector<HostColumn>& columns,
             const std::function<std::string(const HostColumn&)>& words) {
        std::vector<Cell> cells{{start, each_ ? first + column_gap : first, !each_}};
        if (!each_) cells.push_back({std::string(column_gap, ' '), 0});
        for (const HostColumn& column : columns) {
            const bool is_last = &column == &columns.back();
            cells.push_back({words(column), is_last ? 0 : column.width + column_gap});
        }
        page_.cells(cells);
    }

    void under(const HostLine& line, std::size_t indent, const std::vector<HostColumn>& columns) {
        const HostEntry& entry = *line.entry;
        const bool has_kernel = std::any_of(columns.begin(), columns.end(),
                                            [](const HostColumn& column) { return column.cell == kernel_cell; });
        if (!line.names.empty()) page_.line(line.names, Colour::cyan, indent);
        if (!entry.facts.kernel.empty() && !has_kernel)
            page_.line("kernel " + entry.facts.kernel, Colour::none, indent);
        if (!line.lacks.empty()) page_.paragraph(indent, "lacks: ", joined(line.lacks), Colour::yellow, 2);
        if (entry.partial) {
            page_.paragraph(indent, "partial: ", "names or words of features alone are known", Colour::yellow, 2);
        } else if (!entry.unknown.empty()) {
            page_.paragraph(indent, "not known: ", document::leaves_text(entry.unknown), Colour::yellow, 2);
        }
        std::set<std::string> codes;
        for (const DumpNote& note : entry.notes) codes.emplace(note.code);
        if (!codes.empty()) page_.paragraph(indent, "notes: ", joined({codes.begin(), codes.end()}), Colour::none, 2);
    }

    // What readers had to say of the dumps, by its code.
    void notes() {
        if (each_) return;
        std::map<FindingCode, std::vector<std::string>> notes;
        for (const HostEntry& host : inventory_.hosts) {
            for (const DumpNote& note : host.notes) {
                auto& names = notes[note.code];
                if (names.empty() || names.back() != host.name) names.push_back(host.name);
            }
        }
        if (notes.empty()) return;
        page_.title("Notes on the dumps (--format json has them in full)");
        for (const auto& [code, names] : notes) {
            page_.paragraph(2, std::string(code) + ": ", short_list(names, names_in_sentence), Colour::cyan, 2);
        }
    }

    const Inventory& inventory_;
    bool each_;
    Page& page_;
};

}  // namespace

void hosts_text(const Inventory& inventory, bool each, Page& page) { HostsText(inventory, each, page).put(); }

}  // namespace poolcpuid::cli
