import NodeStats
import Pattern

/// What of the node `binnacle collect` shows. A nil expression is the collector's own default.
struct NodeSettings: Sendable, Equatable {
    var collectors: [String] = []
    var noCollectors: [String] = []
    var mountPointsExclude: Expression?
    var typesExclude: Expression?
    var deviceExclude: Expression?
    var deviceInclude: Expression?
    var diskExclude: Expression?
    var unitInclude: Expression?
    var unitExclude: Expression?
    var textFileDirectory = ""

    /// A regular expression that must match anywhere in a name, as node_exporter's do.
    struct Expression: Sendable, Equatable {
        let pattern: Pattern
        var text: String { pattern.expression }

        init?(_ text: String) {
            guard let pattern = try? Pattern(text) else { return nil }
            self.pattern = pattern
        }

        func matches(_ text: String) -> Bool { pattern.matches(text) }
        static func == (left: Expression, right: Expression) -> Bool { left.text == right.text }
    }

    var options: NodeOptions {
        var options = NodeOptions()
        options.enabled = Set(collectors)
        options.disabled = Set(noCollectors)
        options.textFileDirectory = textFileDirectory
        if let mountPointsExclude { options.isMountPointExcluded = { mountPointsExclude.matches($0) } }
        if let typesExclude { options.isFileSystemTypeExcluded = { typesExclude.matches($0) } }
        if let diskExclude { options.isDiskExcluded = { diskExclude.matches($0) } }
        if let hidden = NodeSettings.hidden(deviceInclude, deviceExclude) { options.isInterfaceHidden = hidden }
        if let hidden = NodeSettings.hidden(unitInclude, unitExclude) { options.isUnitHidden = hidden }
        return options
    }

    /// Whether a name is left out: not among those to be included, or among those to be excluded; nil without an expression.
    private static func hidden(
        _ include: Expression?, _ exclude: Expression?
    ) -> (@Sendable (String) -> Bool)? {
        switch (include, exclude) {
        case (nil, nil): nil
        case (let include?, nil): { !include.matches($0) }
        case (nil, let exclude?): { exclude.matches($0) }
        case (let include?, let exclude?): { !include.matches($0) || exclude.matches($0) }
        }
    }

    /// The keys, by node_exporter's names of the flags.
    static let keys: [CollectKey] = [
        names("collectors", "Collectors of the node to turn on, by node_exporter's names; wins over --no-collectors.", \.collectors),
        names("no-collectors", "Collectors of the node to turn off.", \.noCollectors),
        expression("collector.filesystem.mount-points-exclude", "Mount points that are left out.", \.mountPointsExclude),
        expression("collector.filesystem.fs-types-exclude", "Types of file systems that are left out.", \.typesExclude),
        expression("collector.netdev.device-exclude", "Interfaces that netdev and netclass leave out.", \.deviceExclude),
        expression("collector.netdev.device-include", "The only interfaces that they show.", \.deviceInclude),
        expression("collector.diskstats.device-exclude", "Disks that are left out.", \.diskExclude),
        expression("collector.systemd.unit-include", "The only units that systemd shows.", \.unitInclude),
        expression("collector.systemd.unit-exclude", "Units that are only counted.", \.unitExclude),
        CollectKey(
            name: "collector.textfile.directory", help: "A directory whose *.prom files are shown.", expected: "an absolute path",
            read: { $0.node.textFileDirectory },
            write: { settings, text in
                guard text.isEmpty || text.hasPrefix("/") else { return false }
                settings.node.textFileDirectory = text
                return true
            }),
    ]

    private typealias Path<Value> = WritableKeyPath<NodeSettings, Value> & Sendable

    private static func names(_ name: String, _ help: String, _ path: any Path<[String]>) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "some of \(NodeOptions.collectorNames.joined(separator: ", "))",
            read: { $0.node[keyPath: path].joined(separator: ",") },
            write: { settings, text in
                let names = CollectKey.words(text)
                guard names.allSatisfy({ NodeOptions.collectorNames.contains($0) }) else { return false }
                settings.node[keyPath: path] = names
                return true
            })
    }

    private static func expression(_ name: String, _ help: String, _ path: any Path<Expression?>) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "a regular expression (RE2)", read: { $0.node[keyPath: path]?.text ?? "" },
            write: { settings, text in
                guard let expression = Expression(text) else { return false }
                settings.node[keyPath: path] = expression
                return true
            })
    }
}
