import ArgumentParser
import Terminal

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a configuration file, or list the keys.", subcommands: [Check.self, Keys.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a configuration file is right, and print what it comes to.")

        @Argument(help: ArgumentHelp("The file; by default the one that `up` would read.", valueName: "file")) var file: String?

        func run() throws {
            guard let path = SettingsFile.path(named: file) else {
                throw CommandFailure(message: "there is no \(SettingsFile.systemPath)", hint: "name a file: binnacle config check FILE")
            }
            var settings = Settings()
            try SettingsFile.apply(path, to: &settings)
            try Output.write(SettingKey.yaml(settings))
            Output.error("\(path) is right")
        }
    }

    struct Keys: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys, their defaults and what they take.")

        func run() throws {
            var table = TextTable([.init("key"), .init("default"), .init("expected"), .init("meaning", mayShrink: true)])
            for key in SettingKey.all { table.rows.append([key.name, key.read(Settings()), key.expected, key.help]) }
            try Output.write(table.render(width: Output.width))
        }
    }
}
