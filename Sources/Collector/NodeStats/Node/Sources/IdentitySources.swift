import Exposition
import Glibc

/// `uname`: what the kernel calls itself.
final class UnameSource: NodeSource {
    private static let family = NodeFamily("node_uname_info", .gauge, "The kernel's name and version; always 1.")

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let fields = UnameSource.fields()
        series.add(Self.family, .flag(true), key: KernelText.key(of: fields.map(\.value).joined(separator: "\n"))) { fields }
    }

    static func fields() -> [NodeSeries.Label] {
        var name = utsname()
        guard unsafe Glibc.uname(&name) == 0 else { return [] }
        // Each field is an array of 65 bytes that ends with a NUL.
        func text<Field>(_ field: Field) -> String {
            unsafe withUnsafeBytes(of: field) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return [
            ("domainname", text(name.__domainname)), ("machine", text(name.machine)), ("nodename", text(name.nodename)),
            ("release", text(name.release)), ("sysname", text(name.sysname)), ("version", text(name.version)),
        ]
    }
}

/// `os`: the distribution, from os-release(5).
final class OSSource: NodeSource {
    private static let info = NodeFamily("node_os_info", .gauge, "What /etc/os-release says; always 1.")
    private static let version = NodeFamily("node_os_version", .gauge, "The first two numbers of the distribution's version.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let release = tree.text("/etc/os-release") ?? tree.text("/usr/lib/os-release") else { throw .absent }
        let fields = OSSource.parse(release)
        let names = [
            "BUILD_ID", "ID", "ID_LIKE", "IMAGE_ID", "IMAGE_VERSION", "NAME", "PRETTY_NAME", "VARIANT", "VARIANT_ID", "VERSION",
            "VERSION_CODENAME", "VERSION_ID",
        ]
        let labels = names.map { (name: $0.lowercased(), value: fields[$0] ?? "") }
        series.add(Self.info, .flag(true), key: KernelText.key(of: release)) { labels }
        if let value = OSSource.version(fields["VERSION_ID"] ?? "") {
            series.add(Self.version, .double(value), key: KernelText.key(of: release)) {
                labels.filter { ["id", "id_like", "name"].contains($0.name) }
            }
        }
    }

    /// `NAME=value`, with quotes or without.
    static func parse(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "="), !line.hasPrefix("#") else { continue }
            var value = line[line.index(after: equals)...]
            if let quote = value.first, quote == "\"" || quote == "'", value.count > 1, value.last == quote { value = value.dropFirst().dropLast() }
            var plain = ""
            var isEscaped = false
            for character in value {
                if character == "\\", !isEscaped {
                    isEscaped = true
                    continue
                }
                isEscaped = false
                plain.append(character)
            }
            fields[String(line[..<equals])] = plain
        }
        return fields
    }

    /// `22.04.1` is 22.04.
    static func version(_ text: String) -> Double? {
        Double(text.split(separator: ".").prefix(2).joined(separator: "."))
    }
}

/// `dmi`: what the firmware says of the machine.
final class DMISource: NodeSource {
    private static let family = NodeFamily("node_dmi_info", .gauge, "What the firmware says of the machine; always 1.")
    static let names = [
        "bios_date", "bios_release", "bios_vendor", "bios_version", "board_asset_tag", "board_name", "board_serial", "board_vendor",
        "board_version", "chassis_asset_tag", "chassis_serial", "chassis_vendor", "chassis_version", "product_family", "product_name",
        "product_serial", "product_sku", "product_uuid", "product_version",
    ]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard tree.exists("/sys/class/dmi/id") else { throw .absent }
        var labels: [NodeSeries.Label] = DMISource.names.compactMap { name in tree.text("/sys/class/dmi/id/\(name)").map { (name, $0) } }
        if let vendor = tree.text("/sys/class/dmi/id/sys_vendor") { labels.append(("system_vendor", vendor)) }
        series.add(Self.family, .flag(true), key: KernelText.key(of: labels.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"))) { labels }
    }
}

/// `selinux`.
final class SELinuxSource: NodeSource {
    private static let enabled = NodeFamily("node_selinux_enabled", .gauge, "1 if SELinux is on.")
    private static let configured = NodeFamily("node_selinux_config_mode", .gauge, "The mode that is configured: 1 enforcing, 0 permissive, -1 off.")
    private static let current = NodeFamily("node_selinux_current_mode", .gauge, "The mode: 1 enforcing, 0 permissive.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let mode = tree.number("/sys/fs/selinux/enforce") else {
            series.add(Self.enabled, .flag(false))
            return
        }
        series.add(Self.enabled, .flag(true))
        let lines = (tree.text("/etc/selinux/config") ?? "").split(separator: "\n")
        let configured = lines.first { $0.hasPrefix("SELINUX=") }.map { $0.dropFirst(8) }
        let number: Int64 = configured == "enforcing" ? 1 : configured == "permissive" ? 0 : -1
        series.add(Self.configured, .integer(number))
        series.add(Self.current, .integer(mode))
    }
}
