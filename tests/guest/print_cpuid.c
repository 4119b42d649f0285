// Executes CPUID for every leaf and subleaf there is and prints the rows in the form of `cpuid -r` on the debug
// console (port E9h). Which leaves have subleaves, and how their number is found: SDM vol. 2A and APM vol. 3, CPUID.

#include "guest.h"

#include <stdint.h>

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

void execute_cpuid(uint32_t leaf, uint32_t subleaf, struct registers* result);  // boot.S

void print(const char* text) {
    for (; *text; ++text) __asm__ volatile("outb %0, $0xe9" : : "a"(*text));
}

static void print_hex(const char* before, uint32_t value, int digits) {
    char text[9];
    text[digits] = 0;
    for (int i = digits - 1; i >= 0; --i, value >>= 4) text[i] = "0123456789abcdef"[value & 0xf];
    print(before);
    print(text);
}

static struct registers print_row(uint32_t leaf, uint32_t subleaf) {
    struct registers row;
    execute_cpuid(leaf, subleaf, &row);
    print_hex("   0x", leaf, 8);
    print_hex(" 0x", subleaf, 2);
    print_hex(": eax=0x", row.eax, 8);
    print_hex(" ebx=0x", row.ebx, 8);
    print_hex(" ecx=0x", row.ecx, 8);
    print_hex(" edx=0x", row.edx, 8);
    print("\n");
    return row;
}

static void print_set_bits(uint32_t leaf, uint32_t bits, uint32_t first, uint32_t base) {
    for (uint32_t bit = first; bit < 32; ++bit) {
        if (bits >> bit & 1) print_row(leaf, base + bit);
    }
}

// Leaf Dh: a subleaf for each state component of XCR0 (D.0 EDX:EAX) and IA32_XSS (D.1 EDX:ECX).
static void print_xsave(void) {
    const struct registers user = print_row(0xd, 0);
    const struct registers supervisor = print_row(0xd, 1);
    print_set_bits(0xd, user.eax | supervisor.ecx, 2, 0);
    print_set_bits(0xd, (user.edx | supervisor.edx) & 0x7fffffff, 0, 32);  // bit 63 is no component
}

static void print_leaf(uint32_t leaf) {
    enum { most_subleaves = 64 };
    if (leaf == 0xd) {
        print_xsave();
        return;
    }
    const struct registers first = print_row(leaf, 0);
    struct registers row = first;
    switch (leaf) {
        case 0x7:
        case 0x14:
        case 0x17:
        case 0x18:
        case 0x1d:
        case 0x20:
        case 0x24:  // EAX: the last subleaf
            for (uint32_t i = 1; i <= first.eax && i < most_subleaves; ++i) print_row(leaf, i);
            break;
        case 0x4:
        case 0x8000001d:  // until the cache type is 0
            for (uint32_t i = 1; row.eax & 0x1f && i < most_subleaves; ++i) row = print_row(leaf, i);
            break;
        case 0xb:
        case 0x1f:
        case 0x80000026:  // until the level type is 0
            for (uint32_t i = 1; row.ecx & 0xff00 && i < most_subleaves; ++i) row = print_row(leaf, i);
            break;
        case 0x12:  // two capability rows, then sections until the type is 0
            row = print_row(leaf, 1);
            row.eax = 1;
            for (uint32_t i = 2; row.eax & 0xf && i < most_subleaves; ++i) row = print_row(leaf, i);
            break;
        case 0xf: print_set_bits(leaf, first.edx, 1, 0); break;
        case 0x10:
        case 0x80000020: print_set_bits(leaf, first.ebx, 1, 0); break;
        case 0x23: print_set_bits(leaf, first.eax, 1, 0); break;
    }
}

// A range starts with the leaf whose EAX is the highest leaf of the range; where it is lower, there is no such range.
static void print_range(uint32_t start) {
    enum { most_leaves = 0x100 };
    struct registers row;
    execute_cpuid(start, 0, &row);
    for (uint32_t leaf = start; leaf <= row.eax && leaf - start < most_leaves; ++leaf) print_leaf(leaf);
}

void print_cpuid(void) {
    struct registers row;
    print("CPU 0:\n");
    print_range(0);
    execute_cpuid(1, 0, &row);
    if (row.ecx >> 31) print_range(0x40000000);  // HYPERVISOR
    print_range(0x80000000);
    print_range(0xc0000000);  // Centaur, Zhaoxin
}
