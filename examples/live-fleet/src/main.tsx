import { createRoot } from 'react-dom/client';
import { App } from './views/App';
import './styles/base.css';
import './styles/page.css';
import './styles/fleet.css';
import './styles/beside.css';
import './styles/narrow.css';

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);
