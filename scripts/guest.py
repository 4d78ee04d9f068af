"""A guest machine: Debian's kernel under qemu, from packages that are unpacked and not installed.

Used by scripts/record-cgroups-v2 and scripts/try-systemd. It runs without KVM: there may be a /dev/kvm on which no guest starts.
"""
import glob
import os
import re
import subprocess

KERNEL = "linux-image-cloud-amd64"
PACKAGES = """qemu-system-x86 qemu-system-common qemu-system-data seabios ipxe-qemu busybox-static libaio1 libcapstone4 libfdt1
libfuse3-3 libibverbs1 libpmem1 librdmacm1 libslirp0 liburing2 libvdeplug2 libdaxctl1 libndctl6 libnl-3-200 libnl-route-3-200
libnuma1 libpixman-1-0 libpng16-16 libjpeg62-turbo libsasl2-2 libseccomp2 libgnutls30 libnettle8 libhogweed6 libkmod2
libglib2.0-0""".split()
#: What a virtio disk needs.
DISK_MODULES = ["virtio_pci", "virtio_blk"]


def run(*command: str, **options: object) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout  # type: ignore[call-overload]


def download(directory: str, *packages: str) -> None:
    """Debian's packages into a directory, by root: apt's own user may have no way into it."""
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages, cwd=directory)


class Guest:
    """`directory` is empty, and the caller's to remove."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.root = f"{directory}/qemu"
        kernel = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", KERNEL))
        if not kernel:
            raise SystemExit(f"{KERNEL} names no kernel")
        packages = f"{directory}/packages"
        os.makedirs(packages)
        download(packages, *PACKAGES, kernel[1])
        for package in glob.glob(f"{packages}/*.deb"):
            run("dpkg", "-x", package, self.root)

    def initrd(self, init: str, modules: list[str]) -> str:
        """Packs busybox, modules with all that they need and `init`, which becomes the first process and whose @MODULES@ become
        the names of their files in /lib, in the order in which they are to be loaded. Gives the archive's path."""
        tree, path = f"{self.directory}/initrd", f"{self.directory}/initrd.gz"
        for name in ["bin", "proc", "sys", "dev", "lib", "new"]:
            os.makedirs(f"{tree}/{name}")
        run("cp", f"{self.root}/bin/busybox", f"{tree}/bin/")
        for path in self.in_order(modules):
            run("cp", path, f"{tree}/lib/")
        names = " ".join(os.path.basename(path) for path in self.in_order(modules))
        with open(f"{tree}/init", "w", encoding="utf-8") as file:
            file.write(init.replace("@MODULES@", names))
        os.chmod(f"{tree}/init", 0o755)
        run("sh", "-c", f"find . | {self.root}/bin/busybox cpio -o -H newc 2>/dev/null | gzip -1 >{path}", cwd=tree)
        return path

    def in_order(self, modules: list[str]) -> list[str]:
        """The modules' files and those of what they need, which come before; what is built into the kernel is left out."""
        base = glob.glob(f"{self.root}/lib/modules/*")[0]
        files = {os.path.basename(path)[:-3].replace("-", "_"): path for path in glob.glob(f"{base}/kernel/**/*.ko", recursive=True)}
        with open(f"{base}/modules.builtin", encoding="utf-8") as file:
            built_in = {os.path.basename(line.strip())[:-3].replace("-", "_") for line in file}
        found: list[str] = []

        def add(name: str) -> None:
            name = name.replace("-", "_")
            if name in built_in or files.get(name) in found:
                return
            if name not in files:
                raise SystemExit(f"Debian's kernel has no module {name}")
            with open(files[name], "rb") as file:
                needs = re.search(rb"\0depends=([^\0]*)\0", file.read())
            for needed in (needs[1].decode().split(",") if needs and needs[1] else []):
                add(needed)
            found.append(files[name])

        for module in modules:
            add(module)
        return found

    def boot(self, initrd: str, disk: str, memory: int, arguments: str, seconds: int) -> str:
        """Runs to the guest's own end, without a network. Gives what it wrote to its serial line."""
        libraries = f"{self.root}/usr/lib/x86_64-linux-gnu:{self.root}/lib/x86_64-linux-gnu"
        firmware = [word for name in ["share/qemu", "share/seabios", "lib/ipxe/qemu"] for word in ("-L", f"{self.root}/usr/{name}")]
        return run(
            f"{self.root}/usr/bin/qemu-system-x86_64", *firmware, "-accel", "tcg", "-cpu", "max", "-m", str(memory), "-smp", "2", "-nographic", "-no-reboot",
            "-nic", "none", "-kernel", glob.glob(f"{self.root}/boot/vmlinuz-*")[0], "-initrd", initrd, "-append",
            f"console=ttyS0 panic=-1 psi=1 {arguments}", "-drive", f"file={disk},if=virtio,format=raw",
            env={**os.environ, "LD_LIBRARY_PATH": libraries}, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=seconds).replace("\r", "")
