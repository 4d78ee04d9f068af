import Exposition

/// `hwmon`: temperatures, fans, voltages and the rest that the sensors' drivers show (the kernel's hwmon/sysfs-interface).
///
/// A file is called `temp1_crit`: kind, number, property. Its metric is `node_hwmon_temp_crit_celsius` with
/// `sensor="temp1"`, in whole units where the kernel has thousandths or millionths.
final class HardwareMonitorSource: NodeSource {
    private static let kinds: Set<String> = [
        "vrm", "beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity", "intrusion", "freq",
    ]
    private static let chipNames = NodeFamily("node_hwmon_chip_names", .gauge, "What a chip's driver calls it; always 1.")
    private static let labels = NodeFamily("node_hwmon_sensor_label", .gauge, "What a sensor is called; always 1.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard tree.exists("/sys/class/hwmon") else { throw .absent }
        for directory in tree.list("/sys/class/hwmon") {
            let path = "/sys/class/hwmon/\(directory)"
            let chip = chip(path, directory)
            if let name = tree.text("\(path)/name").map(Self.cleaned), !name.isEmpty {
                series.add(Self.chipNames, .flag(true), labels: [("chip", chip), ("chip_name", name)])
            }
            // Old drivers keep their files in the device's directory.
            var sensors: [String: [String: String]] = [:]
            var kinds: [String: String] = [:]
            for place in [path, "\(path)/device"] { gather(place, &sensors, &kinds) }
            for (sensor, properties) in sensors.sorted(by: { SysTree.inOrder($0.key, $1.key) }) {
                add(sensor, kind: kinds[sensor] ?? sensor, properties, chip: chip, &series)
            }
        }
    }

    private func gather(_ directory: String, _ sensors: inout [String: [String: String]], _ kinds: inout [String: String]) {
        for file in tree.list(directory) {
            guard let name = SensorFile(file), Self.kinds.contains(name.kind), let value = tree.text("\(directory)/\(file)") else { continue }
            sensors[name.kind + name.number, default: [:]][name.property] = value
            kinds[name.kind + name.number] = name.kind
        }
    }

    private func add(_ sensor: String, kind: String, _ properties: [String: String], chip: String, _ series: inout SeriesRecorder) {
        let labels: [NodeSeries.Label] = [("chip", chip), ("sensor", sensor)]
        if let label = properties["label"], !label.isEmpty {
            series.add(Self.labels, .flag(true), labels: [("chip", chip), ("label", label), ("sensor", sensor)])
        }
        for (property, text) in properties.sorted(by: { $0.key < $1.key }) where property != "label" {
            guard let value = Int64(text) else { continue }
            let metric = SensorMetric(kind: kind, property: property, hasPlain: properties[""] != nil)
            series.add(
                metric.name, metric.isCounter ? .counter : .gauge, "Readings of \(kind)\(property.isEmpty ? "" : "_\(property)") of a sensor.",
                .decimal(value, digits: metric.digits), labels: labels)
        }
    }

    /// By the device, which is the same after each boot; else by the driver's name for it.
    private func chip(_ path: String, _ directory: String) -> String {
        if let device = tree.realPath("\(path)/device") {
            let parts = device.split(separator: "/")
            if let name = parts.last.map({ Self.cleaned(String($0)) }), !name.isEmpty {
                let bus = parts.count > 1 ? Self.cleaned(String(parts[parts.count - 2])) : ""
                return bus.isEmpty ? name : "\(bus)_\(name)"
            }
        }
        if let name = tree.text("\(path)/name").map(Self.cleaned), !name.isEmpty { return name }
        return Self.cleaned(directory)
    }

    /// Lower case, and `_` for what is no letter, digit, `:` or `_`, none at the ends.
    static func cleaned(_ text: String) -> String {
        let bytes = text.utf8.map { byte -> UInt8 in
            switch byte {
            case 0x41...0x5A: byte | 0x20
            case 0x61...0x7A, 0x30...0x39, 0x3A: byte
            default: UInt8(ascii: "_")
            }
        }
        let start = bytes.drop { $0 == UInt8(ascii: "_") }
        return String(decoding: start.reversed().drop { $0 == UInt8(ascii: "_") }.reversed(), as: UTF8.self)
    }
}

/// A file's name in parts: `temp1_crit_alarm` is temp, 1, crit_alarm.
struct SensorFile {
    var kind: String
    var number: String
    var property: String

    init?(_ name: String) {
        // `beep_enable` and `update_interval` are kinds of their own.
        if name == "beep_enable" || name == "update_interval" {
            (kind, number, property) = (name, "0", "")
            return
        }
        let kind = name.prefix { !("0"..."9").contains($0) && $0 != "_" }
        let number = name[kind.endIndex...].prefix { ("0"..."9").contains($0) }
        let rest = name[number.endIndex...]
        guard !kind.isEmpty, rest.isEmpty || rest.hasPrefix("_"), rest != "_" else { return nil }
        self.kind = String(kind)
        // What there is one of has no number; node_exporter calls it 0.
        self.number = number.isEmpty ? "0" : String(number)
        property = String(rest.dropFirst())
    }
}

/// Under which name and in which unit a property is shown.
struct SensorMetric {
    var name: String
    /// Digits behind the point of what the kernel gives as a whole number.
    var digits = 0
    var isCounter = false

    init(kind: String, property: String, hasPlain: Bool) {
        var stem = "node_hwmon_\(kind)"
        if property == "input" {
            // `fan1_input` is the reading; should there be a `fan1` too, then that is.
            if hasPlain { stem += "_input" }
        } else if !property.isEmpty {
            stem += "_\(HardwareMonitorSource.cleaned(property))"
        }
        name = stem
        switch (kind, property) {
        case ("beep_enable", _): name = "node_hwmon_beep_enabled"
        case ("vrm", _): name = "node_hwmon_voltage_regulator_version"
        case ("update_interval", _): (name, digits) = ("node_hwmon_update_interval_seconds", 3)
        case (_, "fault"), (_, "alarm"): break
        case (_, "beep"): name += "_enabled"
        case ("in", _), ("cpu", _): (name, digits) = (stem + "_volts", 3)
        case ("temp", _) where property != "type": (name, digits) = (stem + "_celsius", 3)
        case ("curr", _): (name, digits) = (stem + "_amps", 3)
        case ("energy", _): (name, digits, isCounter) = (stem + "_joule_total", 6, true)
        case ("power", "accuracy"): digits = 6
        case ("power", "average_interval"), ("power", "average_interval_min"), ("power", "average_interval_max"):
            (name, digits) = (stem + "_seconds", 3)
        case ("power", _): (name, digits) = (stem + "_watt", 6)
        case ("humidity", _): digits = 6
        case ("fan", "input"), ("fan", "min"), ("fan", "max"), ("fan", "target"), ("fan", ""): name = stem + "_rpm"
        case ("freq", "input"): (name, digits) = ("node_hwmon_freq_freq_mhz", 6)
        default: break
        }
    }
}
