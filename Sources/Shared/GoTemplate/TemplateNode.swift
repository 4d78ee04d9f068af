/// A piece of a parsed template.
indirect enum TemplateNode: Sendable {
    case text(String)
    case action(TemplatePipeline)
    case condition(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case with(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case range(TemplatePipeline, body: [TemplateNode], otherwise: [TemplateNode])
    case template(name: String, argument: TemplatePipeline?, line: Int)
    case breakLoop, continueLoop
}

/// Commands of which each gets the one before as its last argument.
struct TemplatePipeline: Sendable {
    /// `$x :=` or `$i, $x :=`, without the dollar.
    var variables: [String] = []
    /// `=` instead of `:=`.
    var isAssignment = false
    var commands: [[TemplateOperand]] = []
    var line: Int
}

indirect enum TemplateOperand: Sendable {
    case literal(TemplateValue)
    /// `.`, `.a.b`.
    case dot(fields: [String])
    /// `$`, `$x.a`; the name without the dollar, empty for the root.
    case variable(String, fields: [String])
    case function(String)
    case pipeline(TemplatePipeline, fields: [String])
}
