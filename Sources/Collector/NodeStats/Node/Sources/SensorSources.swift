import Exposition

/// `thermal_zone`: temperatures of the firmware's zones, and how hard fans and throttles work.
final class ThermalSource: NodeSource {
    private static let temperature = NodeFamily("node_thermal_zone_temp", .gauge, "Temperature of a zone in degrees Celsius.")
    private static let state = NodeFamily("node_cooling_device_cur_state", .gauge, "How hard a cooling device works, in its own steps.")
    private static let maximum = NodeFamily("node_cooling_device_max_state", .gauge, "The hardest that a cooling device can work.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for name in tree.list("/sys/class/thermal") {
            let directory = "/sys/class/thermal/\(name)"
            guard let type = tree.text("\(directory)/type") else { continue }
            if name.hasPrefix("thermal_zone"), let thousandths = tree.number("\(directory)/temp") {
                series.add(
                    Self.temperature, .decimal(thousandths, digits: 3), labels: [("type", type), ("zone", String(name.dropFirst("thermal_zone".count)))])
            } else if name.hasPrefix("cooling_device"), let current = tree.number("\(directory)/cur_state"),
                let most = tree.number("\(directory)/max_state")
            {
                let labels: [NodeSeries.Label] = [("name", String(name.dropFirst("cooling_device".count))), ("type", type)]
                series.add(Self.state, .integer(current), labels: labels)
                series.add(Self.maximum, .integer(most), labels: labels)
            }
        }
    }
}

/// `cpufreq`: frequencies of each CPU, from kHz.
final class CPUFrequencySource: NodeSource {
    private static let files: [(file: String, family: NodeFamily)] = [
        ("cpuinfo_cur_freq", NodeFamily("node_cpu_frequency_hertz", .gauge, "Frequency that the hardware runs at.")),
        ("cpuinfo_min_freq", NodeFamily("node_cpu_frequency_min_hertz", .gauge, "Lowest frequency of the hardware.")),
        ("cpuinfo_max_freq", NodeFamily("node_cpu_frequency_max_hertz", .gauge, "Highest frequency of the hardware.")),
        ("scaling_cur_freq", NodeFamily("node_cpu_scaling_frequency_hertz", .gauge, "Frequency that the kernel asked for.")),
        ("scaling_min_freq", NodeFamily("node_cpu_scaling_frequency_min_hertz", .gauge, "Lowest frequency that is allowed.")),
        ("scaling_max_freq", NodeFamily("node_cpu_scaling_frequency_max_hertz", .gauge, "Highest frequency that is allowed.")),
    ]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for name in tree.list("/sys/devices/system/cpu") where name.hasPrefix("cpu") {
            guard UInt64(name.dropFirst(3)) != nil else { continue }
            for (file, family) in Self.files {
                guard let kilohertz = tree.number("/sys/devices/system/cpu/\(name)/cpufreq/\(file)") else { continue }
                series.add(family, .integer(kilohertz &* 1000), labels: [("cpu", String(name.dropFirst(3)))])
            }
        }
    }
}

/// `rapl`: energy that parts of the processor used, from µJ. The kernel shows it to root alone.
final class EnergySource: NodeSource {
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let zones = tree.list("/sys/class/powercap").filter { $0.contains(":") }
        guard !zones.isEmpty else { throw .absent }
        var counts: [String: Int] = [:]
        for zone in zones {
            let path = "/sys/class/powercap/\(zone)"
            guard let name = tree.text("\(path)/name") else { continue }
            // package-0 says its number; others are numbered as they come.
            let dash = name.lastIndex(of: "-")
            let number = dash.flatMap { Int(name[name.index(after: $0)...]) }
            let stem = number == nil ? name : String(name[..<dash!])
            let index = number ?? counts[name, default: 0]
            counts[name, default: 0] += 1
            guard let energy = tree.number("\(path)/energy_uj") else { continue }
            series.add(
                "node_rapl_\(MemorySource.name(stem))_joules_total", .counter, "Energy that a zone of the processor used, in joules.",
                .decimal(energy, digits: 6), labels: [("index", "\(index)"), ("path", tree.root + path)])
        }
    }
}

/// `edac`: errors of memory that were corrected, and that were not.
final class MemoryErrorSource: NodeSource {
    private static func counter(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_edac_\(name)", .counter, help) }
    private static let corrected = counter("correctable_errors_total", "Memory errors that were corrected.")
    private static let uncorrected = counter("uncorrectable_errors_total", "Memory errors that were not.")
    private static let rowCorrected = counter("csrow_correctable_errors_total", "Memory errors of a row that were corrected.")
    private static let rowUncorrected = counter("csrow_uncorrectable_errors_total", "Memory errors of a row that were not.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let parent = "/sys/devices/system/edac/mc"
        for name in tree.list(parent) where name.hasPrefix("mc") && UInt64(name.dropFirst(2)) != nil {
            let path = "\(parent)/\(name)"
            let controller: NodeSeries.Label = ("controller", String(name.dropFirst(2)))
            func add(_ family: NodeFamily, _ file: String, _ labels: [NodeSeries.Label]) {
                if let value = tree.number("\(path)/\(file)") { series.add(family, .integer(value), labels: labels) }
            }
            add(Self.corrected, "ce_count", [controller])
            add(Self.rowCorrected, "ce_noinfo_count", [controller, ("csrow", "unknown")])
            add(Self.uncorrected, "ue_count", [controller])
            add(Self.rowUncorrected, "ue_noinfo_count", [controller, ("csrow", "unknown")])
            for row in tree.list(path) where row.hasPrefix("csrow") {
                let labels = [controller, ("csrow", String(row.dropFirst(5)))]
                add(Self.rowCorrected, "\(row)/ce_count", labels)
                add(Self.rowUncorrected, "\(row)/ue_count", labels)
            }
        }
    }
}

/// `powersupplyclass`: batteries and mains, from /sys/class/power_supply in millionths.
final class PowerSupplySource: NodeSource {
    /// Attribute, the metric's ending and the digits behind the point.
    private static let numbers: [(file: String, name: String, digits: Int)] = [
        ("authentic", "authentic", 0), ("calibrate", "calibrate", 0), ("capacity", "capacity", 0),
        ("capacity_alert_max", "capacity_alert_max", 0), ("capacity_alert_min", "capacity_alert_min", 0),
        ("charge_control_limit_max", "charge_control_limit_max", 0), ("charge_control_limit", "charge_control_limit", 0),
        ("cycle_count", "cyclecount", 0), ("online", "online", 0), ("present", "present", 0), ("time_to_empty_avg", "time_to_empty_seconds", 0),
        ("time_to_full_avg", "time_to_full_seconds", 0), ("charge_now", "charge_ampere", 6), ("charge_full", "charge_full", 6),
        ("charge_full_design", "charge_full_design", 6), ("charge_empty", "charge_empty", 6), ("charge_counter", "charge_counter", 6),
        ("constant_charge_current", "constant_charge_current", 6), ("constant_charge_voltage", "constant_charge_voltage", 6),
        ("current_avg", "current_avg", 6), ("current_boot", "current_boot", 6), ("current_max", "current_max", 6), ("current_now", "current_ampere", 6),
        ("energy_now", "energy_watthour", 6), ("energy_full", "energy_full", 6), ("energy_full_design", "energy_full_design", 6),
        ("energy_empty", "energy_empty", 6), ("power_avg", "power_avg", 6), ("power_now", "power_watt", 6),
        ("precharge_current", "precharge_current", 6), ("input_current_limit", "input_current_limit", 6),
        ("voltage_avg", "voltage_avg", 6), ("voltage_boot", "voltage_boot", 6), ("voltage_max", "voltage_max", 6),
        ("voltage_max_design", "voltage_max_design", 6), ("voltage_min", "voltage_min", 6), ("voltage_min_design", "voltage_min_design", 6),
        ("voltage_now", "voltage_volt", 6), ("voltage_ocv", "voltage_ocv", 6), ("temp", "temp_celsius", 1),
        ("temp_alert_max", "temp_alert_max_celsius", 1), ("temp_alert_min", "temp_alert_min_celsius", 1),
        ("temp_ambient", "temp_ambient_celsius", 1), ("temp_max", "temp_max_celsius", 1), ("temp_min", "temp_min_celsius", 1),
    ]
    private static let words = [
        "capacity_level", "charge_type", "health", "manufacturer", "model_name", "serial_number", "status", "technology", "type", "usb_type",
        "scope",
    ]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard tree.exists("/sys/class/power_supply") else { throw .absent }
        for supply in tree.list("/sys/class/power_supply") {
            let path = "/sys/class/power_supply/\(supply)"
            for one in Self.numbers {
                guard let value = tree.number("\(path)/\(one.file)") else { continue }
                series.add(
                    "node_power_supply_\(one.name)", .gauge, "Attribute \(one.file) of a power supply.", .decimal(value, digits: one.digits),
                    labels: [("power_supply", supply)])
            }
            let labels: [NodeSeries.Label] =
                [("power_supply", supply)] + Self.words.compactMap { word in tree.text("\(path)/\(word)").flatMap { $0.isEmpty ? nil : (word, $0) } }
            series.add("node_power_supply_info", .gauge, "What a power supply says of itself; always 1.", .flag(true), labels: labels)
        }
    }
}

/// `nvme`: what NVMe controllers say of themselves.
final class NVMeSource: NodeSource {
    private static let info = NodeFamily("node_nvme_info", .gauge, "What an NVMe controller says of itself; always 1.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let devices = tree.list("/sys/class/nvme").filter { $0.hasPrefix("nvme") }
        guard !devices.isEmpty else { throw .absent }
        for device in devices {
            func word(_ file: String) -> String { tree.text("/sys/class/nvme/\(device)/\(file)") ?? "" }
            series.add(
                Self.info, .flag(true),
                labels: [
                    ("device", device), ("firmware_revision", word("firmware_rev")), ("model", word("model")), ("serial", word("serial")),
                    ("state", word("state")),
                ])
        }
    }
}
