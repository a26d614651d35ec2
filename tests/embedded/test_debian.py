"""What dpkg and apt say, and what follows from it."""

from embedded import debian


def test_only_what_dpkg_calls_installed_counts() -> None:
    report = "qemu-utils installed\nstunnel4 config-files\n"
    assert debian.not_installed(["qemu-utils", "stunnel4", "seabios"], report) == ["stunnel4", "seabios"]


def test_dpkg_is_asked_about_real_packages() -> None:
    assert debian.missing(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_the_kernel_behind_the_meta_package_is_found() -> None:
    listing = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-1-cloud-amd64\n  Breaks: x\n"
    assert debian.kernel_dependency(listing) == "linux-image-6.1.0-1-cloud-amd64"
    assert debian.kernel_dependency("") is None
