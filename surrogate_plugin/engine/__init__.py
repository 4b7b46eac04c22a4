"""Who answers: request, routes, polish, and what is known of the answer."""
