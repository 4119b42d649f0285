#include "tests/cli/support/small_cpu_map.hpp"

namespace poolcpuid::test {

std::string cpu_map_in(const TemporaryDirectory& dir) {
    dir.write("map/index.xml",
              "<cpus><arch name='x86'><include filename='vendors.xml'/><include filename='features.xml'/>"
              "<group name='g'><include filename='models.xml'/></group></arch><arch name='arm'>"
              "<include filename='missing.xml'/></arch></cpus>");
    dir.write("map/vendors.xml",
              "<cpus><vendor name='AMD' string='AuthenticAMD'/>"
              "<vendor name='Intel' string='GenuineIntel'/></cpus>");
    dir.write("map/features.xml",
              "<cpus><feature name='avx2'><cpuid eax_in='0x7' ecx_in='0x0' ebx='0x20'/></feature>"
              "<feature name='fpu'><cpuid eax_in='0x1' edx='0x1'/></feature>"
              "<feature name='lm'><cpuid eax_in='0x80000001' edx='0x20000000'/></feature>"
              "<feature name='svm'><cpuid eax_in='0x80000001' ecx='0x4'/></feature>"
              "<feature name='hypervisor'><cpuid eax_in='0x1' ecx='0x80000000'/></feature>"
              "<feature name='3dnow'><cpuid eax_in='0x80000001' edx='0x80000000'/></feature></cpus>");
    dir.write("map/models.xml",
              "<cpus><model name='Old'><signature family='16' model='2'/><vendor name='AMD'/><feature name='fpu'/>"
              "<feature name='3dnow'/></model>"
              "<model name='New'><model name='Old'/><signature family='25' model='1'/><feature name='avx2'/></model>"
              "<model name='Other'><signature family='6' model='85'/><vendor name='Intel'/>"
              "<feature name='fpu'/></model></cpus>");
    return dir.file("map");
}

}  // namespace poolcpuid::test
