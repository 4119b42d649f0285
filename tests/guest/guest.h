// What the parts of the CPUID guest share.
#pragma once

// Prints text on the debug console (port E9h).
void print(const char* text);

// Executes CPUID for every leaf and subleaf there is and prints the rows in the form of `cpuid -r`.
void print_cpuid(void);
