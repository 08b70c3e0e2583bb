package queue

import "cpmd/queue/sale"

func (q *Queue) view(s sale.Sale) sale.View { return sale.ViewOf(s, q.set().Rules) }
