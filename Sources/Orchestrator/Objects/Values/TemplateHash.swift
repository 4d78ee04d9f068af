import JSON

/// The `pod-template-hash` of a Deployment's template: equal for equal templates, whatever the order of their members.
public func templateHash(_ template: JSON, collisionCount: Int = 0) -> String { "" }
