import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a shell's completion script.",
        discussion: """
            EXAMPLES
              bash:  source <(binnacle completion bash)
              zsh:   binnacle completion zsh > "${fpath[1]}/_binnacle"
              fish:  binnacle completion fish > ~/.config/fish/completions/binnacle.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() throws {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        try Output.write(Binnacle.completionScript(for: kind) + "\n")
    }
}
