import ArgumentParser
import NodeStats

/// node_exporter's flags, under its names, as far as people use them.
struct NodeFlags: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Collectors of the node to turn on, by node_exporter's names; --collector.NAME is the same.", valueName: "names")) var collectors:
        [String] = []
    @Option(
        parsing: .singleValue, help: ArgumentHelp("Collectors of the node to turn off; --no-collector.NAME is the same.", valueName: "names"))
    var noCollectors: [String] = []
    @Option(
        name: .customLong("collector.filesystem.mount-points-exclude"), help: ArgumentHelp("Mount points that are left out.", valueName: "regex"))
    var mountPointsExclude: String?
    @Option(name: .customLong("collector.filesystem.fs-types-exclude"), help: ArgumentHelp("Types of file systems that are left out.", valueName: "regex"))
    var typesExclude: String?
    @Option(
        name: .customLong("collector.netdev.device-exclude"), help: ArgumentHelp("Interfaces that netdev and netclass leave out.", valueName: "regex"))
    var deviceExclude: String?
    @Option(name: .customLong("collector.netdev.device-include"), help: ArgumentHelp("The only interfaces that they show.", valueName: "regex"))
    var deviceInclude: String?
    @Option(name: .customLong("collector.diskstats.device-exclude"), help: ArgumentHelp("Disks that are left out.", valueName: "regex"))
    var diskExclude: String?
    @Option(name: .customLong("collector.systemd.unit-include"), help: ArgumentHelp("The only units that systemd shows.", valueName: "regex"))
    var unitInclude: String?
    @Option(name: .customLong("collector.systemd.unit-exclude"), help: ArgumentHelp("Units that are only counted.", valueName: "regex"))
    var unitExclude: String?
    @Option(name: .customLong("collector.textfile.directory"), help: ArgumentHelp("A directory whose *.prom files are shown.", valueName: "dir"))
    var textFileDirectory: String?

    /// By the key's name; nil where a flag was not given.
    var given: [(String, String?)] {
        [
            ("collectors", collectors.isEmpty ? nil : collectors.joined(separator: ",")),
            ("no-collectors", noCollectors.isEmpty ? nil : noCollectors.joined(separator: ",")),
            ("collector.filesystem.mount-points-exclude", mountPointsExclude), ("collector.filesystem.fs-types-exclude", typesExclude),
            ("collector.netdev.device-exclude", deviceExclude), ("collector.netdev.device-include", deviceInclude),
            ("collector.diskstats.device-exclude", diskExclude), ("collector.systemd.unit-include", unitInclude),
            ("collector.systemd.unit-exclude", unitExclude), ("collector.textfile.directory", textFileDirectory),
        ]
    }

    /// `--collector.NAME` as `--collectors NAME` and `--no-collector.NAME` as `--no-collectors NAME`, of the collectors that
    /// there are; every other argument as it is. ArgumentParser has flags whose names are known one by one only.
    static func translated(_ arguments: [String]) -> [String] {
        guard arguments.first == "collect" else { return arguments }
        let names = Set(NodeOptions.collectorNames)
        return arguments.flatMap { argument -> [String] in
            for (prefix, flag) in [("--collector.", "--collectors"), ("--no-collector.", "--no-collectors")] where argument.hasPrefix(prefix) {
                let name = String(argument.dropFirst(prefix.count))
                if names.contains(name) { return [flag, name] }
            }
            return [argument]
        }
    }
}
